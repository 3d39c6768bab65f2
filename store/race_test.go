//go:build race

package store_test

// raceDetector tells whether it slows everything down in this build.
const raceDetector = true
