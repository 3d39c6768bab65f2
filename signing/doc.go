// Package signing keeps code signing configurations: whose signatures an account trusts, and what happens to code without
// one. It owns the configurations; which function has which is in the function's record (package control).
//
// Thaw has no service that signs code and looks for no signatures, so all code counts as unsigned. A function whose
// configuration says Enforce takes no code and no layers; with Warn it takes them, and the server's log says so.
//
// A configuration is one record of kind "signing". One that a function has cannot be deleted: package control makes sure
// of that (Functions.IfNotSigning). Methods may be called concurrently. Errors that are the caller's doing are
// *lambda.Error; any other error is ours.
package signing
