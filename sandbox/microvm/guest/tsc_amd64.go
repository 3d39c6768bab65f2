package guest

// timeStamp reads the processor's time stamp counter.
func timeStamp() uint64
