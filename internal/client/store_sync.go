package client

import "sync"

// syncGroup brings what several goroutines wrote to disk together: whoever asks
// while one is at it waits for the next time, which is for all who wait.
type syncGroup struct {
	sync func() error

	mu      sync.Mutex
	running bool
	next    *syncRound
}

type syncRound struct {
	done chan struct{}
	err  error
}

// wait returns when all that was written before is on disk.
func (g *syncGroup) wait() error {
	g.mu.Lock()
	if g.next == nil {
		g.next = &syncRound{done: make(chan struct{})}
	}
	round := g.next
	if !g.running {
		g.running = true
		go g.run()
	}
	g.mu.Unlock()
	<-round.done
	return round.err
}

// run serves rounds until nobody waits any more.
func (g *syncGroup) run() {
	for {
		g.mu.Lock()
		round := g.next
		g.next = nil
		if round == nil {
			g.running = false
			g.mu.Unlock()
			return
		}
		g.mu.Unlock()
		round.err = g.sync()
		close(round.done)
	}
}
