package action

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

const (
	// maxIDToken bounds the answer that has the token, in bytes.
	maxIDToken = 64 << 10
	// tokenAttempts is how often the token is asked for.
	tokenAttempts = 4
)

// ErrNoIDToken reports that the job may not ask for an identity token.
var ErrNoIDToken = errors.New("the job has no identity")

// HasIDToken reports whether the job may ask for an identity token.
func (r *Runner) HasIDToken() bool {
	return r.Getenv("ACTIONS_ID_TOKEN_REQUEST_URL") != "" && r.Getenv("ACTIONS_ID_TOKEN_REQUEST_TOKEN") != ""
}

// IDToken asks for a token that says which job this is, for the audience given,
// and masks it. The error is ErrNoIDToken when the job may not ask.
//
// Overload, cut connections and 5xx are tried again, up to four times.
func (r *Runner) IDToken(ctx context.Context, audience string) (string, error) {
	if !r.HasIDToken() {
		return "", &Error{
			Detail: "no ACTIONS_ID_TOKEN_REQUEST_URL",
			Remedy: "add to the job:\n  permissions:\n    contents: write\n    id-token: write",
			Err:    ErrNoIDToken,
		}
	}
	address, err := url.Parse(r.Getenv("ACTIONS_ID_TOKEN_REQUEST_URL"))
	if err != nil || address.Scheme != "https" && address.Scheme != "http" || address.Host == "" {
		return "", errors.New("ACTIONS_ID_TOKEN_REQUEST_URL is no URL of the web")
	}
	query := address.Query()
	query.Set("audience", audience)
	address.RawQuery = query.Encode()
	for attempt := 1; ; attempt++ {
		value, again, err := r.askIDToken(ctx, address.String())
		if err == nil {
			r.Mask(value)
			return value, nil
		}
		if !again || attempt == tokenAttempts || ctx.Err() != nil {
			return "", fmt.Errorf("asking the runner for an identity token: %w", err)
		}
		r.wait(time.Duration(attempt*attempt) * time.Second)
	}
}

func (r *Runner) wait(d time.Duration) {
	if r.Wait != nil {
		r.Wait(d)
		return
	}
	time.Sleep(d)
}

// askIDToken makes one request. Again says whether another may succeed.
func (r *Runner) askIDToken(ctx context.Context, address string) (value string, again bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return "", false, errors.New("the URL of the request is not valid")
	}
	request.Header.Set("Authorization", "Bearer "+r.Getenv("ACTIONS_ID_TOKEN_REQUEST_TOKEN"))
	request.Header.Set("Accept", "application/json; api-version=2.0")
	response, err := r.HTTP.Do(request)
	if err != nil {
		return "", true, withoutURL(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, maxIDToken+1))
	switch code := response.StatusCode; {
	case err != nil:
		return "", true, withoutURL(err)
	case code == http.StatusTooManyRequests || code >= 500:
		return "", true, fmt.Errorf("the answer is %s", response.Status)
	case code != http.StatusOK:
		return "", false, fmt.Errorf("the answer is %s", response.Status)
	case len(body) > maxIDToken:
		return "", false, fmt.Errorf("the answer has more than %d bytes", maxIDToken)
	}
	var answer struct {
		Value string `json:"value"`
	}
	if err := json.Unmarshal(body, &answer); err != nil || strings.Count(answer.Value, ".") != 2 || strings.ContainsFunc(answer.Value, notInToken) {
		return "", false, errors.New("the answer has no token") // and is not shown: it may be half of one
	}
	return answer.Value, false, nil
}

// notInToken reports what a JSON Web Token in its compact form has not.
func notInToken(c rune) bool {
	return !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '_' || c == '.')
}

// withoutURL takes the address, which may be a secret of the job, off an error.
func withoutURL(err error) error {
	var failed *url.Error
	if errors.As(err, &failed) {
		return failed.Err
	}
	return err
}
