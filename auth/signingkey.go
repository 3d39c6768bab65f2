package auth

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"sync"
)

// signingKeys caches derived signing keys: deriving one costs four HMACs, more than the rest of a verification. Only
// scopes that were checked get in, so there are few: per access key, the days within a presigned URL's life times the
// services.
type signingKeys struct {
	mu sync.RWMutex
	m  map[signingScope][]byte // guarded by mu; nil at first
}

type signingScope struct{ accessKeyID, day, region, service string }

// maxSigningKeys bounds the cache; when it is full it starts over.
const maxSigningKeys = 1024

func (c *signingKeys) get(scope signingScope, secret string) []byte {
	c.mu.RLock()
	key := c.m[scope]
	c.mu.RUnlock()
	if key != nil {
		return key
	}
	key = []byte("AWS4" + secret)
	for _, part := range []string{scope.day, scope.region, scope.service, terminator} {
		key = hmacSHA256(key, part)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.m == nil || len(c.m) >= maxSigningKeys {
		c.m = map[signingScope][]byte{}
	}
	c.m[scope] = key
	return key
}

// sign returns the signature, hexadecimal, of a canonical request.
func (s *signature) sign(key, canonical []byte) []byte {
	digest := sha256.Sum256(canonical)
	text := make([]byte, 0, 192)
	text = append(text, algorithm+"\n"...)
	text = append(text, s.date...)
	text = append(text, '\n')
	text = append(text, s.day...)
	text = append(text, '/')
	text = append(text, s.region...)
	text = append(text, '/')
	text = append(text, s.service...)
	text = append(text, "/"+terminator+"\n"...)
	text = hex.AppendEncode(text, digest[:])
	h := hmac.New(sha256.New, key)
	h.Write(text)
	return hex.AppendEncode(nil, h.Sum(nil))
}

func hmacSHA256(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text))
	return h.Sum(nil)
}
