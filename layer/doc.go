// Package layer keeps layers: zips that functions have unpacked under /opt. It owns the versions of each layer and who may
// use them; packages themselves are kept by package code, and what a function uses is in the function's configuration.
//
// A version never changes, but for its permissions. Whoever may get it may use it: its own account always, others as its
// permissions say. That is asked when a function is given the layer; what a function has it keeps, also when the
// version is deleted or the permission taken away.
//
// # Records
//
//	kind layer          one for each name ever published: the highest number so far, which versions there are
//	kind layer-version  one for each version that is there
//
// Versions come and go together with the layer's record in one atomic write, which is a compare-and-set. So numbers rise
// and none is used twice, not even after all versions of the layer were deleted.
//
// # Life cycle
//
// New, calls; there is nothing to close. Methods may be called concurrently. Errors that are the caller's doing are
// *lambda.Error; any other error is ours.
package layer
