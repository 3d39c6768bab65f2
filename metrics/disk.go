package metrics

// Disk is what a server's data directory takes on disk, in bytes.
type Disk struct {
	Packages      int   `json:"packages"`       // deployment packages and layers
	PackageBytes  int64 `json:"package_bytes"`  // of these zips
	ImageBytes    int64 `json:"image_bytes"`    // of the images made of them
	SnapshotBytes int64 `json:"snapshot_bytes"` // of function snapshots
	RuntimeBytes  int64 `json:"runtime_bytes"`  // of runtime images
	StoreBytes    int64 `json:"store_bytes"`    // of records, logs and events
	FreeBytes     int64 `json:"free_bytes"`     // what the file system has left for the server's user
	FreedBytes    int64 `json:"freed_bytes"`    // packages and images that were deleted since the start because nobody needs them
}

// WatchDisk has the disk's use written, too. Call it before the first Write; disk is called for each.
func (m *Metrics) WatchDisk(disk func() Disk) { m.disk = disk }

// onDisk is what the disk's use was when the page was begun.
func (s *scrape) onDisk() *Disk {
	if s.disk == nil {
		s.disk = &Disk{}
		if s.m.disk != nil {
			*s.disk = s.m.disk()
		}
	}
	return s.disk
}

// diskUses are the values of the label use.
var diskUses = values{"packages", "code_images", "snapshots", "runtimes", "store"}

var diskFamilies = []Family{
	{
		"thaw_packages", typeGauge, nil,
		"Deployment packages and layers on disk.",
		func(s *scrape) { s.value(float64(s.onDisk().Packages)) },
	},
	{
		"thaw_disk_bytes", typeGauge, []Label{{"use", diskUses}},
		"What the data directory takes on disk: uploaded packages, images of them, function snapshots, runtime images, records with logs and events. Measured twice a minute at most.",
		func(s *scrape) {
			d := s.onDisk()
			for i, n := range []int64{d.PackageBytes, d.ImageBytes, d.SnapshotBytes, d.RuntimeBytes, d.StoreBytes} {
				s.sample("", float64(n), diskUses[i])
			}
		},
	},
	{
		"thaw_disk_free_bytes", typeGauge, nil,
		"What the file system of the data directory has left.",
		func(s *scrape) { s.value(float64(s.onDisk().FreeBytes)) },
	},
	{
		"thaw_collected_bytes_total", typeCounter, nil,
		"Packages and images that were deleted because no function and no layer needs them.",
		func(s *scrape) { s.value(float64(s.onDisk().FreedBytes)) },
	},
}
