package runtimeapi

import "thaw.dev/thaw/agent/http1"

// restoreError is POST /2018-06-01/runtime/restore/error: the runtime cannot work after the restore, and will exit.
func (s *Server) restoreError(req *http1.Request) http1.Answer {
	return s.giveUp(req, callRestoreError, "restore/error", restored)
}
