package client

import (
	"errors"
	"io/fs"
)

// brokenFS is a tree whose disk fails.
type brokenFS struct{}

func (brokenFS) Open(string) (fs.File, error) { return nil, errors.New("input/output error") }
