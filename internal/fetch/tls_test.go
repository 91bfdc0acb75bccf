package fetch_test

import (
	"crypto/tls"
	"net/http"
)

// insecure trusts everybody.
func insecure() *http.Transport {
	return &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}} //nolint:gosec // a server of the test
}
