package sigstoretest

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

const (
	startTime     = 30 * time.Second // far more than a start takes; the machine may be busy
	startAttempts = 3
	loopback      = "127.0.0.1"
)

// program is one of the services, before it runs.
type program struct {
	name        string
	file        string // that is executed
	ports       int    // that it listens on; the first one is that of its API
	arguments   func(ports []string) []string
	environment []string
	health      string // path that answers 200 when it serves
}

// process is a program that serves.
type process struct {
	name string
	url  string // of its API
	log  string // file
	stop context.CancelFunc
	done chan struct{} // closed when it has ended
}

// start runs a program until it answers. Free ports are known by trying, so
// another process may be faster: then it is tried again with others.
func start(ctx context.Context, p program, logs string) (*process, error) {
	var problem error
	for range startAttempts {
		ports, err := freePorts(ctx, p.ports)
		if err != nil {
			return nil, err
		}
		running, err := launch(ctx, p, ports, filepath.Join(logs, p.name+".log"))
		if err != nil {
			return nil, err
		}
		if problem = running.wait(ctx, p.health); problem == nil {
			return running, nil
		}
		running.kill()
	}
	return nil, problem
}

// launch starts the process, which ends with ctx, with kill, and with the test.
func launch(ctx context.Context, p program, ports []string, logFile string) (*process, error) {
	log, err := os.Create(logFile)
	if err != nil {
		return nil, err
	}
	ctx, stop := context.WithCancel(ctx)
	cmd := exec.CommandContext(ctx, p.file, p.arguments(ports)...)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.Env = append([]string{"HOME=" + filepath.Dir(logFile)}, p.environment...)
	r := &process{
		name: p.name, url: "http://" + net.JoinHostPort(loopback, ports[0]), log: logFile,
		stop: stop, done: make(chan struct{}),
	}
	started := make(chan error, 1)
	go func() {
		defer close(r.done)
		defer log.Close()
		runTied(cmd, started)
	}()
	if err := <-started; err != nil {
		stop()
		return nil, fmt.Errorf("%s: %w", p.name, err)
	}
	return r, nil
}

// wait returns when the process answers, or says why it does not.
func (r *process) wait(ctx context.Context, path string) error {
	ctx, cancel := context.WithTimeout(ctx, startTime)
	defer cancel()
	for {
		if answers(ctx, r.url+path) {
			return nil
		}
		select {
		case <-r.done:
			return fmt.Errorf("%s ended at once:\n%s", r.name, r.tail())
		case <-ctx.Done():
			return fmt.Errorf("%s does not answer at %s%s:\n%s", r.name, r.url, path, r.tail())
		case <-time.After(10 * time.Millisecond):
		}
	}
}

func answers(ctx context.Context, url string) bool {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return false
	}
	transport := &http.Transport{DisableKeepAlives: true}
	response, err := transport.RoundTrip(request)
	if err != nil {
		return false
	}
	_ = response.Body.Close()
	return response.StatusCode == http.StatusOK
}

// kill ends the process at once: it keeps nothing that outlives the test.
func (r *process) kill() {
	r.stop()
	<-r.done
}

// tail is the end of what the process wrote.
func (r *process) tail() string {
	const lines = 60
	data, err := os.ReadFile(r.log)
	if err != nil {
		return err.Error()
	}
	all := strings.Split(strings.TrimSpace(string(data)), "\n")
	return strings.Join(all[max(0, len(all)-lines):], "\n")
}

// freePorts returns ports that nobody listens on, all different.
func freePorts(ctx context.Context, n int) ([]string, error) {
	var ports []string
	for range n {
		listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", net.JoinHostPort(loopback, "0"))
		if err != nil {
			return nil, err
		}
		defer listener.Close() // at the end, so that none is found twice
		ports = append(ports, strconv.Itoa(listener.Addr().(*net.TCPAddr).Port))
	}
	return ports, nil
}
