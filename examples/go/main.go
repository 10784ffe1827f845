// A service whose callers log in at Latchkey: `go run .`. It needs only Go's standard library.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"log"
	"net"
	"net/http"
	"os"
	"strings"
)

type contextKey struct{}

// authenticate lets only callers with a valid token pass. The context of the request has the claims.
func authenticate(verifier *Verifier, next http.HandlerFunc) http.HandlerFunc {
	return func(answer http.ResponseWriter, request *http.Request) {
		scheme, token, _ := strings.Cut(request.Header.Get("Authorization"), " ")
		claims, err := (*Claims)(nil), ErrRefused
		if strings.EqualFold(scheme, "Bearer") || strings.EqualFold(scheme, "JWT") {
			claims, err = verifier.Verify(token)
		}
		switch {
		case errors.Is(err, ErrRefused):
			answer.Header().Set("WWW-Authenticate", "Bearer")
			http.Error(answer, "The token is not valid.", http.StatusUnauthorized)
		case err != nil:
			// The token may be valid.
			http.Error(answer, "The keys of Latchkey cannot be fetched.", http.StatusServiceUnavailable)
		default:
			next(answer, request.WithContext(context.WithValue(request.Context(), contextKey{}, claims)))
		}
	}
}

func me(answer http.ResponseWriter, request *http.Request) {
	claims := request.Context().Value(contextKey{}).(*Claims)
	answer.Header().Set("Content-Type", "application/json")
	json.NewEncoder(answer).Encode(map[string]string{
		"id": claims.Subject, "username": claims.Username, "role": claims.Role,
	})
}

func setting(name, fallback string) string {
	if value := os.Getenv(name); value != "" {
		return value
	}
	return fallback
}

func main() {
	verifier := &Verifier{
		Issuer:    setting("BASE_URL", "http://localhost:3000"),
		Audience:  setting("JWT_AUDIENCE", "latchkey"),
		Algorithm: setting("JWT_ALGORITHM", "EdDSA"),
	}
	http.HandleFunc("/api/me/", authenticate(verifier, me))
	log.Fatal(http.ListenAndServe(net.JoinHostPort("127.0.0.1", setting("PORT", "8000")), nil))
}
