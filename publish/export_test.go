package publish

// LimitAttempts lets a test see how Apply gives up without waiting for it.
func (p *Plan) LimitAttempts(n int) { p.attempts = n }
