// Package history opens the data directories that programs of earlier stages left, with the program of today: functions,
// versions, aliases, settings and logs are there, and the functions run.
//
// The directories are testdata/STAGE.tar.gz, a few kilobytes each, and never made again. To add that of a stage that has
// landed, run record in this directory, and add to the test what the stage can do and those before could not.
package history
