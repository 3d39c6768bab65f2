package cpuinfo

import "testing"

func TestLinesOfTheFirstProcessor(t *testing.T) {
	t.Parallel()
	const one = "processor\t: 0\nvendor_id\t: GenuineIntel\nmodel\t\t: 85\ncpu MHz\t\t: 2000.1\nflags\t\t: vmx\n\nprocessor\t: 1\nmodel\t: 9\n"
	got, err := lines([]byte(one), []string{"vendor_id", "model", "flags"})
	if want := "vendor_id\t: GenuineIntel\nmodel\t\t: 85\nflags\t\t: vmx"; err != nil || string(got) != want {
		t.Errorf("got %q, %v", got, err)
	}
	if _, err := lines([]byte("nothing\n"), []string{"model"}); err == nil {
		t.Error("nothing was taken for a processor")
	}
}
