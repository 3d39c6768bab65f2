package pid1

import (
	"testing"

	"thaw.dev/thaw/sandbox/microvm/vmm"
)

// TestNamesAreTheContracts: this package repeats them.
func TestNamesAreTheContracts(t *testing.T) {
	t.Parallel()
	if numChannels != vmm.NumPorts || portNames != vmm.PortNames || firstVsockPort != vmm.VsockPort {
		t.Errorf("%d %q %d", numChannels, portNames, firstVsockPort)
	}
	if serial(3) != vmm.DriveSerial(3) || scratchSerial != vmm.ScratchSerial {
		t.Errorf("serial numbers %q, %q", serial(3), scratchSerial)
	}
	for i, want := range map[int]int{channelManage: vmm.PortManage, channelControl: vmm.PortControl, channelData: vmm.PortData, channelLogs: vmm.PortLogs} {
		if i != want {
			t.Errorf("channel %d is port %d", i, want)
		}
	}
}
