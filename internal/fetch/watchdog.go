package fetch

import "time"

// leastRate is how many bytes a second have to come.
const leastRate = 10

// watchdog calls a function when it was not fed for too long.
type watchdog struct {
	limit time.Duration
	meal  int64       // bytes that feed it
	bytes int64       // that came since it was fed
	timer *time.Timer // nil when there is no limit
}

func newWatchdog(limit time.Duration, bark func()) *watchdog {
	w := &watchdog{limit: limit, meal: int64(limit.Seconds() * leastRate)}
	if limit > 0 {
		w.timer = time.AfterFunc(limit, bark)
	}
	return w
}

// came feeds the dog when enough came.
func (w *watchdog) came(n int) {
	if w.bytes += int64(n); w.bytes > w.meal || n > 0 && w.meal == 0 {
		w.feed()
	}
}

func (w *watchdog) feed() {
	w.bytes = 0
	if w.timer != nil {
		w.timer.Reset(w.limit)
	}
}

func (w *watchdog) stop() {
	if w.timer != nil {
		w.timer.Stop()
	}
}
