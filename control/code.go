package control

// HasCode reports whether the function or a published version of it has, or while an update goes on still serves, the
// package of that hexadecimal SHA-256.
func (s *Functions) HasCode(account, name, sha256 string) bool {
	f, ok := s.store.Get(account, name)
	if !ok {
		return false
	}
	if f.Config.Code.SHA256 == sha256 || (f.Serving != nil && f.Serving.Code.SHA256 == sha256) {
		return true
	}
	for _, v := range s.store.Versions(account, name) {
		if v.Config.Code.SHA256 == sha256 {
			return true
		}
	}
	return false
}
