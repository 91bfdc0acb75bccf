package report_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"hash/crc32"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/clydepm/clyde/internal/markdown/markdowntest"
	"github.com/clydepm/clyde/internal/report"
)

// The picture of a report in the documents, and the page that it was drawn from.
const (
	picture       = "../../docs/report.png"
	pictureSource = "testdata/preview.html"
)

// TestPicture keeps the picture honest: its source is what the code writes
// today, and the picture names the digest of the source that it was drawn from.
// With CLYDE_UPDATE_GOLDEN=1 and CLYDE_TEST_CHROMIUM=FILE it is drawn anew.
func TestPicture(t *testing.T) {
	page := preview(t)
	golden(t, pictureSource, page)
	sum := sha256.Sum256(page)
	digest := hex.EncodeToString(sum[:])
	if chromium := os.Getenv("CLYDE_TEST_CHROMIUM"); chromium != "" && os.Getenv("CLYDE_UPDATE_GOLDEN") != "" {
		draw(t, chromium, digest)
	}
	data, err := os.ReadFile(picture)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := png.Decode(bytes.NewReader(data)); err != nil {
		t.Error(err)
	}
	if !bytes.Contains(data, textChunk("source", digest)) {
		t.Errorf("%s was drawn from another page than %s; draw it anew with CLYDE_UPDATE_GOLDEN=1 CLYDE_TEST_CHROMIUM=FILE go test ./internal/report -run TestPicture", picture, pictureSource)
	}
}

// preview is a report as a host shows it on a pull request, without what is
// folded away: nobody sees it in a picture.
func preview(t *testing.T) []byte {
	t.Helper()
	body, err := markdowntest.HTML(report.Markdown(sample()))
	if err != nil {
		t.Fatal(err)
	}
	body = regexp.MustCompile(`(?s)</summary>.*?</details>`).ReplaceAllString(body, "</summary></details>")
	return []byte(`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>A report on a pull request</title><style>
body { margin: 24px; width: 840px; font: 14px/1.5 "DejaVu Sans", sans-serif; color: #1f2328; background: #fff }
h3, h4 { margin: 20px 0 10px; line-height: 1.25 } h3 { font-size: 19px; margin-top: 0 } h4 { font-size: 14.5px }
p, ul { margin: 0 0 10px } ul { padding-left: 22px } li { margin: 5px 0 }
code { font: 85% "DejaVu Sans Mono", monospace; background: #eff1f3; border-radius: 5px; padding: 2px 5px; overflow-wrap: anywhere }
pre { background: #f6f8fa; border-radius: 6px; padding: 12px; white-space: pre-wrap } pre code { background: none; padding: 0 }
table { border-collapse: collapse; margin-bottom: 12px } th, td { border: 1px solid #d1d9e0; padding: 5px 11px; text-align: left }
th:empty { padding: 0 } details { border: 1px solid #d1d9e0; border-radius: 6px; padding: 7px 12px; margin: 10px 0 } summary { cursor: pointer }
a { color: #0969da } sub { color: #59636e; vertical-align: baseline; font-size: 12px } sub code { font-size: 95% }
article { border: 1px solid #d1d9e0; border-radius: 8px; padding: 18px 22px }
</style></head><body><article>
` + body + `</article></body></html>
`)
}

// draw has a browser draw the page.
func draw(t *testing.T, chromium, digest string) {
	t.Helper()
	source, err := filepath.Abs(pictureSource)
	if err != nil {
		t.Fatal(err)
	}
	shot := filepath.Join(t.TempDir(), "shot.png")
	cmd := exec.Command(chromium, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--user-data-dir="+t.TempDir(), "--window-size=890,1345", "--screenshot="+shot, "file://"+source)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	data, err := os.ReadFile(shot)
	if err != nil {
		t.Fatal(err)
	}
	const headerEnd = 8 + 4 + 4 + 13 + 4 // the signature and the chunk IHDR
	data = append(append(bytes.Clone(data[:headerEnd]), textChunk("source", digest)...), data[headerEnd:]...)
	if err := os.WriteFile(picture, data, 0o644); err != nil {
		t.Fatal(err)
	}
}

// textChunk is a chunk tEXt of a PNG.
func textChunk(key, value string) []byte {
	body := append([]byte("tEXt"), key+"\x00"+value...)
	chunk := binary.BigEndian.AppendUint32(nil, uint32(len(body)-4))
	chunk = append(chunk, body...)
	return binary.BigEndian.AppendUint32(chunk, crc32.ChecksumIEEE(body))
}
