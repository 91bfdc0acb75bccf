package evidence

import (
	"context"
	"sync"

	"github.com/clydepm/clyde/internal/forge"
)

// Remember asks each repository only once about itself, however many of its
// versions are looked into. Open is that of [Options].
func Remember(open func(address string) (Origin, error)) func(address string) (Origin, error) {
	var mu sync.Mutex
	known := map[string]*remembered{}
	return func(address string) (Origin, error) {
		mu.Lock()
		defer mu.Unlock()
		if r, ok := known[address]; ok {
			return r, nil
		}
		origin, err := open(address)
		if err != nil {
			return nil, err
		}
		known[address] = &remembered{origin: origin}
		return known[address], nil
	}
}

// remembered is a repository that has perhaps been asked about itself.
type remembered struct {
	origin Origin

	mu    sync.Mutex
	asked bool
	about forge.Origin
	err   error
}

// Origin asks once. What was broken off is asked again.
func (r *remembered) Origin(ctx context.Context) (forge.Origin, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.asked {
		r.about, r.err = r.origin.Origin(ctx)
		r.asked = ctx.Err() == nil
	}
	return r.about, r.err
}

// Tag looks a tag up.
func (r *remembered) Tag(ctx context.Context, tag string) (commit, object string, err error) {
	return r.origin.Tag(ctx, tag)
}

// Published looks the release of a tag up.
func (r *remembered) Published(ctx context.Context, tag string) (forge.Release, error) {
	return r.origin.Published(ctx, tag)
}
