package evidence

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"syscall"
	"time"
)

// errLocal reports an address that is not of the public internet.
var errLocal = errors.New("an address of the local network")

// Public returns a transport like base that refuses connections to addresses
// that are not of the public internet, whichever name or redirect led there: a
// line must not send the reviewer's machine to services behind its firewall.
// Where a proxy is configured, that is connected to all the same and has to make
// such a choice itself. A nil base is http.DefaultTransport.
func Public(base *http.Transport) *http.Transport {
	if base == nil {
		base = http.DefaultTransport.(*http.Transport) //nolint:forbidigo,forcetypeassert // as documented
	}
	t := base.Clone()
	guarded := &net.Dialer{Timeout: 30 * time.Second, Control: refuseLocal}
	plain := &net.Dialer{Timeout: 30 * time.Second}
	t.DialTLSContext = nil
	t.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		if viaProxy(base, address) {
			return plain.DialContext(ctx, network, address)
		}
		return guarded.DialContext(ctx, network, address)
	}
	return t
}

// viaProxy reports whether the address is that of the configured proxy.
func viaProxy(base *http.Transport, address string) bool {
	if base.Proxy == nil {
		return false
	}
	for _, scheme := range []string{"https", "http"} {
		req, err := http.NewRequest(http.MethodGet, scheme+"://proxy.invalid/", nil) //nolint:noctx // never sent
		if err != nil {
			return false
		}
		if proxy, err := base.Proxy(req); err == nil && proxy != nil && hostPort(proxy.Host, proxy.Scheme) == address {
			return true
		}
	}
	return false
}

func hostPort(host, scheme string) string {
	if _, _, err := net.SplitHostPort(host); err == nil {
		return host
	}
	port := map[string]string{"https": "443", "socks5": "1080", "socks5h": "1080"}[scheme]
	if port == "" {
		port = "80"
	}
	return net.JoinHostPort(host, port)
}

// refuseLocal is asked with the address that a name was resolved to.
func refuseLocal(_, address string, _ syscall.RawConn) error {
	at, err := netip.ParseAddrPort(address)
	if err != nil {
		return errLocal
	}
	ip := at.Addr().Unmap()
	// 100.64.0.0/10 is shared by providers and clouds (RFC 6598), 64:ff9b::/96
	// leads to IPv4 (RFC 6052).
	shared := netip.MustParsePrefix("100.64.0.0/10").Contains(ip) || netip.MustParsePrefix("64:ff9b::/96").Contains(ip)
	if !ip.IsGlobalUnicast() || ip.IsPrivate() || shared {
		return errLocal
	}
	return nil
}
