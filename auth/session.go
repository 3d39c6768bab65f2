package auth

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"time"
)

// Session is what a session token says. The token is sealed: nobody else can read or make one.
type Session struct {
	AccountID string    `json:"a"` // 12 digits
	ARN       string    `json:"n"` // of the caller, see Identity.ARN
	UserID    string    `json:"u"` // see Identity.UserID
	Role      string    `json:"r,omitempty"`
	Policy    string    `json:"p,omitempty"`
	Expires   time.Time `json:"e"`
}

// Credentials are those of a session, in the words of the APIs that hand them out.
type Credentials struct {
	AccessKeyID     string
	SecretAccessKey string
	SessionToken    string
	Expiration      time.Time
}

// Sessions issues the credentials of sessions and recognises them. It keeps nothing but its key: sessions live as long as
// they say, and survive a restart.
type Sessions struct {
	tokens  []byte // seals tokens
	secrets []byte // makes secret access keys out of their ids
	marks   []byte // makes marks
}

const (
	sessionKeyBytes = 32
	saltBytes       = 16
	sessionPrefix   = "ASIA"
	tokenVersion    = 1
	// maxTokenBytes bounds the work for a token. Those made here are shorter than 4 KiB, with the longest policy.
	maxTokenBytes = 8 << 10
)

// OpenSessions reads the key at path, 32 bytes; if there is none it creates one at random, mode 0600. It fails when the
// file is readable by others. Whoever knows the key can act as anybody.
func OpenSessions(path string) (*Sessions, error) {
	key, err := readPrivate(path)
	if errors.Is(err, fs.ErrNotExist) {
		key = make([]byte, sessionKeyBytes)
		_, _ = rand.Read(key) // never fails
		err = writePrivate(path, key)
	}
	if err == nil && len(key) != sessionKeyBytes {
		err = fmt.Errorf("%s has %d bytes, not %d; without it a new one is made, and all sessions end", path, len(key), sessionKeyBytes)
	}
	if err != nil {
		return nil, fmt.Errorf("session key: %w", err)
	}
	return &Sessions{tokens: hmacSHA256(key, "tokens"), secrets: hmacSHA256(key, "secrets"), marks: hmacSHA256(key, "marks")}, nil
}

// Issue begins a session.
func (s *Sessions) Issue(session Session) Credentials {
	session.Expires = session.Expires.UTC().Truncate(time.Second)
	id := newKeyID(sessionPrefix)
	plain, err := json.Marshal(session)
	if err != nil {
		panic(err) // only strings and a time of this millennium
	}
	token := make([]byte, 1+saltBytes, 1+saltBytes+len(plain)+16)
	token[0] = tokenVersion
	_, _ = rand.Read(token[1:]) // never fails
	seal, nonce := s.seal(token)
	token = seal.Seal(token, nonce, plain, []byte(id))
	return Credentials{
		AccessKeyID: id, SecretAccessKey: s.secret(id), SessionToken: base64.StdEncoding.EncodeToString(token), Expiration: session.Expires,
	}
}

// Mark is a secret word that belongs to what: always the same, and nobody else's guess.
func (s *Sessions) Mark(what string) string {
	return base64.RawURLEncoding.EncodeToString(hmacSHA256(s.marks, what))
}

// open returns what a token says if it belongs to the access key id and was made by Issue; else false. It does not look
// at the time.
func (s *Sessions) open(id, text string) (session Session, ok bool) {
	if len(text) > maxTokenBytes {
		return session, false
	}
	token, err := base64.StdEncoding.Strict().DecodeString(text)
	if err != nil || len(token) < 1+saltBytes || token[0] != tokenVersion {
		return session, false
	}
	seal, nonce := s.seal(token)
	plain, err := seal.Open(nil, nonce, token[1+saltBytes:], []byte(id))
	if err != nil {
		return session, false
	}
	return session, json.Unmarshal(plain, &session) == nil
}

// seal returns the cipher for a token that begins with its version and salt. Each salt has a key of its own, so that the
// nonce may always be the same and the number of tokens has no bound.
func (s *Sessions) seal(token []byte) (seal cipher.AEAD, nonce []byte) {
	h := hmac.New(sha256.New, s.tokens)
	h.Write(token[:1+saltBytes])
	block, err := aes.NewCipher(h.Sum(nil))
	if err == nil {
		seal, err = cipher.NewGCM(block)
	}
	if err != nil {
		panic(err) // a key has 32 bytes
	}
	return seal, make([]byte, seal.NonceSize())
}

func (s *Sessions) secret(id string) string {
	return base64.StdEncoding.EncodeToString(hmacSHA256(s.secrets, id)[:30])
}

// session returns who has the token that came with a request, and the secret of its key.
func (v *Verifier) session(s *signature) (Identity, string, *Error) {
	if v.sessions == nil {
		return Identity{}, "", unrecognized()
	}
	session, ok := v.sessions.open(s.accessKeyID, s.token)
	switch {
	case !ok || v.keys.Disabled(session.AccountID):
		return Identity{}, "", unrecognized()
	case !time.Now().Before(session.Expires):
		return Identity{}, "", expired()
	}
	return Identity{
		AccountID: session.AccountID, ARN: session.ARN, UserID: session.UserID, Role: session.Role, Policy: session.Policy,
		AccessKeyID: s.accessKeyID, Token: s.token, Service: s.service,
	}, v.sessions.secret(s.accessKeyID), nil
}
