package main

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"net/http"
	"strings"
	"sync"
	"time"
)

// ErrRefused means a 401. Every other error means a 503: the keys cannot be fetched, and the token may be valid.
var ErrRefused = errors.New("the token is not valid")

const (
	keysLive  = 5 * time.Minute // as their Cache-Control says
	leastWait = time.Minute     // between two fetches for unknown keys: an attacker can invent them
	leeway    = 5 * time.Second // between two clocks
)

// Claims of an access token.
type Claims struct {
	Issuer   string  `json:"iss"`
	Audience string  `json:"aud"`
	Subject  string  `json:"sub"`
	Expiry   float64 `json:"exp"`
	NotUntil float64 `json:"nbf"`
	IssuedAt float64 `json:"iat"`
	Username string  `json:"username"`
	Role     string  `json:"role"`
}

// Verifier verifies access tokens of one Latchkey. One for the whole process: it keeps the keys.
type Verifier struct {
	Issuer, Audience, Algorithm string

	lock    sync.Mutex
	keys    map[string]any
	fetched time.Time
}

// Verify returns the claims of an access token.
func (v *Verifier) Verify(token string) (*Claims, error) {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return nil, ErrRefused
	}
	var header struct{ Alg, Kid, Typ string }
	var claims Claims
	signature, err := base64.RawURLEncoding.DecodeString(parts[2])
	if err != nil || decode(parts[0], &header) != nil || decode(parts[1], &claims) != nil {
		return nil, ErrRefused
	}
	// The service chooses the algorithm, never the token.
	if header.Alg != v.Algorithm || header.Typ != "at+jwt" {
		return nil, ErrRefused
	}
	key, err := v.key(header.Kid)
	if err != nil {
		return nil, err
	}
	if !isSigned(key, parts[0]+"."+parts[1], signature) {
		return nil, ErrRefused
	}
	now, spare := float64(time.Now().Unix()), leeway.Seconds()
	isCurrent := claims.Expiry > now-spare && claims.NotUntil <= now+spare && claims.IssuedAt > 0
	if claims.Issuer != v.Issuer || claims.Audience != v.Audience || claims.Subject == "" || !isCurrent {
		return nil, ErrRefused
	}
	return &claims, nil
}

func decode(part string, into any) error {
	data, err := base64.RawURLEncoding.DecodeString(part)
	if err != nil {
		return err
	}
	return json.Unmarshal(data, into)
}

func isSigned(key any, text string, signature []byte) bool {
	switch key := key.(type) {
	case ed25519.PublicKey:
		return ed25519.Verify(key, []byte(text), signature)
	case *ecdsa.PublicKey:
		if len(signature) != 64 {
			return false
		}
		hash := sha256.Sum256([]byte(text))
		r, s := new(big.Int).SetBytes(signature[:32]), new(big.Int).SetBytes(signature[32:])
		return ecdsa.Verify(key, hash[:], r, s)
	}
	return false
}

// key returns the published key with that id, and fetches the keys if it must.
func (v *Verifier) key(id string) (any, error) {
	v.lock.Lock()
	defer v.lock.Unlock()
	key, isKnown := v.keys[id]
	age := time.Since(v.fetched)
	if age > keysLive || !isKnown && age > leastWait {
		if err := v.fetch(); err != nil {
			return nil, err
		}
		key, isKnown = v.keys[id]
	}
	if !isKnown {
		return nil, ErrRefused
	}
	return key, nil
}

func (v *Verifier) fetch() error {
	client := http.Client{Timeout: 5 * time.Second}
	answer, err := client.Get(v.Issuer + "/.well-known/jwks.json")
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	var set struct {
		Keys []struct{ Kid, Kty, Crv, X, Y string }
	}
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("the keys: status %d", answer.StatusCode)
	}
	if err := json.NewDecoder(answer.Body).Decode(&set); err != nil {
		return err
	}
	keys := map[string]any{}
	for _, it := range set.Keys {
		x, _ := base64.RawURLEncoding.DecodeString(it.X)
		y, _ := base64.RawURLEncoding.DecodeString(it.Y)
		switch {
		case it.Kty == "OKP" && it.Crv == "Ed25519" && len(x) == ed25519.PublicKeySize:
			keys[it.Kid] = ed25519.PublicKey(x)
		case it.Kty == "EC" && it.Crv == "P-256":
			keys[it.Kid] = &ecdsa.PublicKey{
				Curve: elliptic.P256(), X: new(big.Int).SetBytes(x), Y: new(big.Int).SetBytes(y),
			}
		}
	}
	v.keys, v.fetched = keys, time.Now()
	return nil
}
