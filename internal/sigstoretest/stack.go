package sigstoretest

import (
	"bytes"
	"context"
	"crypto/ed25519"
	_ "embed"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/gofrs/flock"
	"golang.org/x/sync/errgroup"

	"github.com/clydepm/clyde/internal/attest"
)

const (
	// BinariesVariable names the folder with the programs fulcio, rekor-server
	// and timestamp-server.
	BinariesVariable = "CLYDE_TEST_SIGSTORE"

	turnTime = 5 * time.Minute
)

// What Fulcio makes of the claims of a token.
//
//go:embed fulcio.yaml
var fulcioConfig []byte

// Service is one program of the stack.
type Service string

// The services of a stack.
const (
	Fulcio             Service = "fulcio"
	Rekor              Service = "rekor"
	TimestampAuthority Service = "timestamp-authority"
)

// Stack is a running Sigstore. It stops with the test, or with Close.
type Stack struct {
	t    testing.TB
	web  string // of the repositories in certificates
	bin  string // folder of the programs
	work string // folder of keys, configuration and the log's tiles
	logs string
	turn *flock.Flock

	issuer       *issuer
	ct           *ctLog
	certificates *authority
	timestamps   *authority
	logKey       ed25519.PrivateKey

	running                           map[Service]*process
	fulcioURL, rekorURL, timestampURL string
}

// Start runs the services and returns when they answer. What they write is
// shown when the test fails, and is kept by go test -artifacts.
func Start(t testing.TB) *Stack {
	t.Helper()
	return StartFor(t, "https://github.com")
}

// StartFor starts a stack whose certificates name repositories below an address,
// as that of a GitHub Enterprise does.
func StartFor(t testing.TB, web string) *Stack {
	t.Helper()
	s := &Stack{
		t: t, web: web, bin: binaries(t), work: t.TempDir(), logs: t.ArtifactDir(),
		turn:    flock.New(filepath.Join(os.TempDir(), fmt.Sprintf("clyde-sigstoretest-%d.lock", os.Getuid()))), // each user can write their own
		running: map[Service]*process{},
	}
	t.Cleanup(s.Close)
	if err := s.start(context.WithoutCancel(t.Context())); err != nil {
		t.Fatal(err)
	}
	return s
}

// binaries is the folder of the programs.
func binaries(t testing.TB) string {
	t.Helper()
	folder := os.Getenv(BinariesVariable)
	switch {
	case folder != "":
	case os.Getenv("CLYDE_TEST_REQUIRE") == "1":
		t.Fatalf("CLYDE_TEST_REQUIRE=1, but %s does not say where the programs of Sigstore are; \".ci/run sigstore\" builds them", BinariesVariable)
	default:
		t.Skipf("%s does not say where the programs of Sigstore are", BinariesVariable)
	}
	return folder
}

func (s *Stack) start(ctx context.Context) error {
	waiting, cancel := context.WithTimeout(ctx, turnTime)
	defer cancel()
	if _, err := s.turn.TryLockContext(waiting, 20*time.Millisecond); err != nil {
		return fmt.Errorf("another Sigstore is running on this machine (%s): %w", s.turn.Path(), err)
	}
	if err := s.makeSurroundings(); err != nil {
		return err
	}
	programs, err := s.programs()
	if err != nil {
		return err
	}
	started := make([]*process, len(programs))
	var all errgroup.Group
	for i, p := range programs {
		all.Go(func() (err error) {
			started[i], err = start(ctx, p, s.logs)
			return err
		})
	}
	err = all.Wait()
	for _, p := range started {
		if p != nil {
			s.running[Service(p.name)] = p
		}
	}
	if err != nil {
		return err
	}
	s.fulcioURL, s.rekorURL = s.running[Fulcio].url, s.running[Rekor].url
	s.timestampURL = s.running[TimestampAuthority].url + "/api/v1/timestamp"
	return nil
}

// makeSurroundings makes what the services stand on.
func (s *Stack) makeSurroundings() (err error) {
	if s.issuer, err = startIssuer(); err != nil {
		return err
	}
	if s.ct, err = startCTLog(); err != nil {
		return err
	}
	if s.certificates, err = newCertificateAuthority(); err != nil {
		return err
	}
	if s.timestamps, err = newTimestampAuthority(); err != nil {
		return err
	}
	_, s.logKey, err = ed25519.GenerateKey(nil)
	return err
}

func (s *Stack) programs() ([]program, error) {
	fulcio, err := s.fulcio()
	if err != nil {
		return nil, err
	}
	rekor, err := s.rekor()
	if err != nil {
		return nil, err
	}
	timestamps, err := s.timestampServer()
	return []program{fulcio, rekor, timestamps}, err
}

// fulcio signs with a key in a file. It serves the first version of its API on
// a socket of its own, which is named after a port to be the only one.
func (s *Stack) fulcio() (program, error) {
	chain, key, config := s.file("fulcio-chain.pem"), s.file("fulcio-key.pem"), s.file("fulcio.yaml")
	if err := writeAuthority(s.certificates, chain, key); err != nil {
		return program{}, err
	}
	if err := os.WriteFile(config, bytes.ReplaceAll(fulcioConfig, []byte("https://github.com"), []byte(s.web)), 0o600); err != nil {
		return program{}, err
	}
	empty := s.file("no-certificates")
	if err := os.Mkdir(empty, 0o700); err != nil {
		return program{}, err
	}
	issuerRoot := s.file("issuer-root.pem")
	if err := writeCertificates(issuerRoot, s.issuer.ca.root()); err != nil {
		return program{}, err
	}
	return program{
		name: string(Fulcio), file: filepath.Join(s.bin, "fulcio"), ports: 3, health: "/healthz",
		arguments: func(ports []string) []string {
			return []string{
				"serve", "--ca", "fileca", "--fileca-cert", chain, "--fileca-key", key, "--fileca-key-passwd", "",
				"--fileca-watch=false", "--config-path", config, "--ct-log-url", s.ct.server.URL,
				"--host", loopback, "--grpc-host", loopback, "--port", ports[0], "--grpc-port", ports[1],
				"--metrics-port", ports[2], "--legacy-unix-domain-socket", "@clyde-fulcio-" + ports[1],
			}
		},
		// Where it finds the issuer of tokens: through a proxy, under this root.
		environment: []string{
			"HTTPS_PROXY=" + s.issuer.proxy.URL, "SSL_CERT_FILE=" + issuerRoot, "SSL_CERT_DIR=" + empty,
		},
	}, nil
}

// rekor keeps its tiles in files and signs a checkpoint as often as it can.
func (s *Stack) rekor() (program, error) {
	key, tiles := s.file("rekor-key.pem"), s.file("tiles")
	if err := os.Mkdir(tiles, 0o700); err != nil {
		return program{}, err
	}
	return program{
		name: string(Rekor), file: filepath.Join(s.bin, "rekor-server"), ports: 3, health: "/healthz",
		arguments: func(ports []string) []string {
			return []string{
				"serve", "--hostname", loopback, "--storage-dir", tiles, "--signer-filepath", key,
				"--http-address", loopback, "--http-port", ports[0], "--grpc-address", loopback, "--grpc-port", ports[1],
				"--http-metrics-port", ports[2], "--batch-max-age", "10ms", "--checkpoint-interval", "100ms",
			}
		},
	}, writeKey(key, s.logKey)
}

func (s *Stack) timestampServer() (program, error) {
	chain, key := s.file("timestamp-chain.pem"), s.file("timestamp-key.pem")
	return program{
		name: string(TimestampAuthority), file: filepath.Join(s.bin, "timestamp-server"), ports: 1, health: "/ping",
		arguments: func(ports []string) []string {
			return []string{
				"serve", "--host", loopback, "--port", ports[0], "--scheme", "http", "--disable-ntp-monitoring",
				"--timestamp-signer", "file", "--file-signer-key-path", key, "--file-signer-passwd", "",
				"--certificate-chain-path", chain,
			}
		},
	}, writeAuthority(s.timestamps, chain, key)
}

func (s *Stack) file(name string) string { return filepath.Join(s.work, name) }

// Services says where the stack is, for a signer.
func (s *Stack) Services() attest.Services {
	return attest.Services{Fulcio: s.fulcioURL, Rekor: s.rekorURL, RekorVersion: 2, TimestampService: s.timestampURL}
}

// Token returns an identity token for Fulcio.
func (s *Stack) Token(claims Claims) (string, error) {
	return s.TokenFor(claims, Audience, time.Now())
}

// TokenFor returns an identity token that was issued for somebody at the given
// time and was valid for five minutes.
func (s *Stack) TokenFor(claims Claims, audience string, issued time.Time) (string, error) {
	return s.issuer.mint(claims, audience, issued)
}

// TokenRequestEnv returns the variables with which GitHub lets a workflow with
// "id-token: write" ask for its tokens.
func (s *Stack) TokenRequestEnv(claims Claims) map[string]string {
	requestURL, requestToken := s.issuer.register(claims)
	return map[string]string{"ACTIONS_ID_TOKEN_REQUEST_URL": requestURL, "ACTIONS_ID_TOKEN_REQUEST_TOKEN": requestToken}
}

// Stop ends one service, as if it had failed.
func (s *Stack) Stop(service Service) {
	if p := s.running[service]; p != nil {
		p.kill()
	}
}

// Close ends everything. It may be called twice.
func (s *Stack) Close() {
	s.t.Helper()
	for _, p := range s.running {
		p.kill()
		if s.t.Failed() {
			s.t.Logf("%s (%s):\n%s", p.name, p.log, p.tail())
		}
	}
	clear(s.running)
	if s.ct != nil {
		s.ct.server.Close()
	}
	if s.issuer != nil {
		s.issuer.close()
	}
	if err := s.turn.Unlock(); err != nil {
		s.t.Error(err)
	}
}
