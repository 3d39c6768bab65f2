package functionurl

import (
	"crypto/tls"
	"strings"
)

// tlsVersion is a connection's protocol in the form of AWS's header: "TLSv1.3".
func tlsVersion(t *tls.ConnectionState) string {
	return strings.Replace(tls.VersionName(t.Version), "TLS ", "TLSv", 1)
}

func tlsCipher(t *tls.ConnectionState) string { return tls.CipherSuiteName(t.CipherSuite) }
