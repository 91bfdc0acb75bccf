package credential

import (
	"bufio"
	"errors"
	"maps"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/godbus/dbus/v5"
)

// secretService is the least of a Secret Service that keeps secrets: one
// collection, which is never locked. What a real one does besides is its own.
type secretService struct {
	conn  *dbus.Conn
	mu    sync.Mutex
	items map[dbus.ObjectPath]*secretItem
}

type secretItem struct {
	service    *secretService
	path       dbus.ObjectPath
	attributes map[string]string
	secret     wireSecret
}

// wireSecret is the struct of the specification's transfer of secrets.
type wireSecret struct {
	Session     dbus.ObjectPath
	Parameters  []byte
	Value       []byte
	ContentType string
}

const (
	secretsPath = "/org/freedesktop/secrets"
	loginPath   = secretsPath + "/collection/login"
	noPrompt    = dbus.ObjectPath("/")
)

func (s *secretService) OpenSession(string, dbus.Variant) (dbus.Variant, dbus.ObjectPath, *dbus.Error) {
	return dbus.MakeVariant(""), secretsPath + "/session/1", nil
}

func (s *secretService) Unlock(paths []dbus.ObjectPath) ([]dbus.ObjectPath, dbus.ObjectPath, *dbus.Error) {
	return paths, noPrompt, nil
}

// Get answers for the property Collections.
func (s *secretService) Get(string, string) (dbus.Variant, *dbus.Error) {
	return dbus.MakeVariant([]dbus.ObjectPath{loginPath}), nil
}

func (s *secretService) CreateItem(properties map[string]dbus.Variant, secret wireSecret, replace bool) (dbus.ObjectPath, dbus.ObjectPath, *dbus.Error) {
	attributes, _ := properties["org.freedesktop.Secret.Item.Attributes"].Value().(map[string]string)
	s.mu.Lock()
	defer s.mu.Unlock()
	for path, item := range s.items {
		if replace && maps.Equal(item.attributes, attributes) {
			item.secret = secret
			return path, noPrompt, nil
		}
	}
	path := dbus.ObjectPath(loginPath + "/" + strconv.Itoa(len(s.items)))
	item := &secretItem{service: s, path: path, attributes: attributes, secret: secret}
	s.items[path] = item
	if err := s.conn.Export(item, path, "org.freedesktop.Secret.Item"); err != nil {
		return "", "", dbus.MakeFailedError(err)
	}
	return path, noPrompt, nil
}

func (s *secretService) SearchItems(want map[string]string) ([]dbus.ObjectPath, *dbus.Error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	found := []dbus.ObjectPath{}
	for path, item := range s.items {
		if maps.Equal(item.attributes, want) {
			found = append(found, path)
		}
	}
	return found, nil
}

func (i *secretItem) GetSecret(session dbus.ObjectPath) (wireSecret, *dbus.Error) {
	i.service.mu.Lock()
	defer i.service.mu.Unlock()
	secret := i.secret
	secret.Session = session
	return secret, nil
}

func (i *secretItem) Delete() (dbus.ObjectPath, *dbus.Error) {
	i.service.mu.Lock()
	defer i.service.mu.Unlock()
	delete(i.service.items, i.path)
	return noPrompt, nil
}

// startBus runs a session bus of the test's own.
func startBus(t *testing.T) (address string) {
	t.Helper()
	program, err := exec.LookPath("dbus-daemon")
	if err != nil {
		if os.Getenv("CLYDE_TEST_REQUIRE") == "1" {
			t.Fatal(err)
		}
		t.Skip("there is no dbus-daemon")
	}
	cmd := exec.Command(program, "--session", "--nofork", "--nopidfile", "--print-address=1", "--address=unix:dir="+t.TempDir())
	out, err := cmd.StdoutPipe()
	must(t, err)
	must(t, cmd.Start())
	t.Cleanup(func() { _, _ = cmd.Process.Kill(), cmd.Wait() })
	address, err = bufio.NewReader(out).ReadString('\n')
	must(t, err)
	return strings.TrimSpace(address)
}

// TestKeyringOfADesktop stores a token over a real bus.
func TestKeyringOfADesktop(t *testing.T) {
	address := startBus(t)
	t.Setenv("DBUS_SESSION_BUS_ADDRESS", address)
	conn, err := dbus.Connect(address)
	must(t, err)
	defer conn.Close()
	w := newWorld(t)
	w.opts.Ring = SystemRing(os.Getenv)
	f := New(w.opts)
	const host = Host("registry.example.org")
	if err := f.Login(t.Context(), host, "", secret(t, "CANARY"), true); err == nil || strings.Contains(err.Error(), "CANARY") {
		t.Errorf("a bus with no Secret Service: %v", err)
	}

	s := &secretService{conn: conn, items: map[dbus.ObjectPath]*secretItem{}}
	must(t, errors.Join(
		conn.Export(s, secretsPath, "org.freedesktop.Secret.Service"),
		conn.Export(s, secretsPath, "org.freedesktop.DBus.Properties"),
		conn.Export(s, loginPath, "org.freedesktop.Secret.Collection"),
	))
	if reply, err := conn.RequestName("org.freedesktop.secrets", dbus.NameFlagDoNotQueue); err != nil || reply != dbus.RequestNameReplyPrimaryOwner {
		t.Fatal(reply, err)
	}
	must(t, f.Login(t.Context(), host, "", secret(t, "CANARY"), true))
	must(t, f.Login(t.Context(), host, "", secret(t, "CANARY-2"), true))
	if c, ok, err := New(w.opts).Ready(t.Context(), host); err != nil || !ok || c.Secret.Reveal() != "CANARY-2" || c.Source != Keyring {
		t.Errorf("%v %v", ok, err)
	}
	if text := w.read("config/credentials.json"); strings.Contains(text, "CANARY") || !strings.Contains(text, `"keyring": true`) {
		t.Errorf("the file has %s", text)
	}
	must(t, f.Logout(t.Context(), host))
	if _, ok, err := New(w.opts).Ready(t.Context(), host); ok || err != nil {
		t.Errorf("after the logout: %v %v", ok, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.items) != 0 {
		t.Errorf("the keyring still has %d items", len(s.items))
	}
}

func TestNoKeyringWithoutABus(t *testing.T) {
	if SystemRing(func(string) string { return "" }) != nil {
		t.Error("there is a keyring though there is no bus")
	}
}
