package main

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"

	"golang.org/x/term"

	"github.com/clydepm/clyde/internal/client"
	"github.com/clydepm/clyde/internal/terminal"
)

// loadConfig reads the configuration of this run.
func (a *app) loadConfig() (*client.Config, error) {
	return client.LoadConfig(client.LoadOptions{Dir: a.Dir, Getenv: a.Getenv, Environ: a.Environ, Set: a.config, Offline: a.offline})
}

// openRegistries opens the configured registries. The caller must close them.
func (a *app) openRegistries() (*client.Config, *client.Registries, error) {
	config, err := a.loadConfig()
	if err != nil {
		return nil, nil, err
	}
	registries, err := client.OpenRegistries(config, a.access())
	return config, registries, err
}

// withRegistries runs do with the configured registries open.
func (a *app) withRegistries(do func(*client.Registries) error) error {
	_, registries, err := a.openRegistries()
	if err != nil {
		return err
	}
	return errors.Join(do(registries), registries.Close())
}

// access is the outside world of registries. What they note may hold text from
// outside.
func (a *app) access() client.Access {
	var one sync.Mutex
	return client.Access{
		Now: a.Now, HTTP: a.HTTP, Wait: a.Wait,
		Note: func(format string, args ...any) {
			for i, arg := range args {
				switch arg := arg.(type) {
				case string:
					args[i] = terminal.Escape(arg)
				case error:
					args[i] = terminal.Escape(arg.Error())
				}
			}
			one.Lock()
			defer one.Unlock()
			if a.progress != nil {
				a.progress.Note(fmt.Sprintf(format, args...))
				return
			}
			a.notef(format, args...)
		},
	}
}

// oneLine is text from outside, made safe and put on one line.
func oneLine(s string) string {
	return terminal.Escape(strings.Join(strings.Fields(s), " "))
}

// stdoutWidth is the width of the terminal that results are shown on, 0 when
// they go elsewhere.
func (a *app) stdoutWidth() int {
	f, ok := a.Stdout.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return 0
	}
	width, _, err := term.GetSize(int(f.Fd()))
	if err != nil {
		return 0
	}
	return width
}
