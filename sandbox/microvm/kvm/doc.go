// Package kvm finds out whether this host's processor runs guest code by itself.
//
// That /dev/kvm opens says little: on hosts that are virtual machines themselves KVM can be emulated or paravirtual.
// It then creates machines and even runs a few instructions, some hundred times slower than the processor, and an
// ordinary kernel in it never comes up. So Probe asks for three things: the device, the processor's virtualization
// extension, and a loop in a machine that runs at the processor's speed.
package kvm
