package qemu_test
