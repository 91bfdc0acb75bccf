package client

import (
	"context"
	"errors"
	"net/url"

	"github.com/clydepm/clyde/internal/credential"
	"github.com/clydepm/clyde/internal/fetch"
)

// client is what asks web servers for all archives of the downloader.
func (d *Downloader) client() *fetch.Client {
	d.once.Do(func() {
		d.asks = fetch.New(fetch.Options{HTTP: d.HTTP, Stall: d.Timeout, Advice: credential.Advice, Tell: d.Report.Note, Wait: d.Wait})
	})
	return d.asks
}

// get downloads over HTTP. Bytes of an earlier run may be of another file than
// the server has now, so that a wrong digest of a file with such bytes is a
// reason to start again, once.
func (d *Downloader) get(ctx context.Context, u *url.URL, in *incoming) error {
	resumed := in.n > 0
	if resumed && in.check() == nil {
		in.report.At(in.n)
		return nil // the earlier run got all of it
	}
	err := d.getOnce(ctx, u, in)
	if resumed && errors.Is(err, ErrIntegrity) && ctx.Err() == nil {
		if err := in.empty(); err != nil {
			return err
		}
		d.Report.Note(in.a.Name + ": what was kept of an interrupted download does not fit, starting again")
		err = d.getOnce(ctx, u, in)
	}
	return err
}

func (d *Downloader) getOnce(ctx context.Context, u *url.URL, in *incoming) error {
	req := fetch.Request{URL: u, Raw: true, Limit: in.a.limit(), Size: min(in.a.Size, maxArchive), From: in.n, FromVersion: in.version}
	_, err := d.client().Get(ctx, req, in)
	var size *fetch.SizeError
	switch {
	case errors.As(err, &size):
		return in.wrongSize(size.Got)
	case errors.Is(err, fetch.ErrAbsent):
		return &Error{
			Class: ErrNotFound, Message: in.a.Name, Err: err,
			Remedy: "the index lists this archive but its host has lost it; tell the registry",
		}
	case err != nil:
		return networkError(in.a.Name, err)
	}
	return in.check()
}

// networkError puts an error of [fetch] into a class of this package. Others,
// such as that of a context that is done, stay as they are.
func networkError(what string, err error) error {
	var failed *fetch.Error
	if !errors.As(err, &failed) {
		return err
	}
	var own *credential.Error
	if errors.As(err, &own) {
		return own // nothing was sent
	}
	e := &Error{Class: ErrNetwork, Message: what, Err: err, Remedy: failed.Hint()}
	switch {
	case errors.Is(err, fetch.ErrAbsent):
		e.Class = ErrNotFound
	case errors.Is(err, fetch.ErrDenied):
		e.Class = ErrRefused
	case errors.Is(err, fetch.ErrSize):
		e.Class = ErrIntegrity
	}
	return e
}
