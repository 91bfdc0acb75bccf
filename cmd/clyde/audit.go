package main

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/clydepm/clyde/internal/client"
	"github.com/clydepm/clyde/internal/lockfile"
	"github.com/clydepm/clyde/internal/report"
	"github.com/clydepm/clyde/internal/terminal"
)

func auditCommand(a *app) *cobra.Command {
	var database, format string
	cmd := &cobra.Command{
		Use:   "audit",
		Short: "Look for known vulnerabilities in the locked packages",
		Long: `Hold the packages of .clyde/lock.jsonl against reports of vulnerabilities in the
OSV format: a file (one report, a list, or a zip as osv.dev has them), a folder, or
the URL of such a file. Of a URL a copy is kept in the cache and fetched again only
if it changed; with --offline the copy is what counts.

A report is about a package when its ecosystem is "clyde", or "clyde:URL" for one
registry, or when it names the purl pkg:clyde/NAME. The exit code is 9 when there is
one that is not ignored, or one that cannot be understood.

The configuration names the database, and reports that do no harm here, each with
a reason and the day on which somebody looks again:

    audit:
      database: https://osv.example.org/clyde/all.zip
      ignore:
        - {id: CVE-2026-1234, reason: the parser is not reached, expires: "2026-06-30"}`,
		Example: "  clyde audit --db advisories\n  clyde audit --json\n  clyde audit --format sarif >audit.sarif",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if format != "" && format != "sarif" {
				return usagef("--format: %q is not sarif", format)
			}
			view, err := a.view()
			if err != nil {
				return err
			}
			config, err := a.loadConfig()
			if err != nil {
				return err
			}
			if database != "" && !strings.Contains(database, "://") {
				database = a.path(database)
			}
			source := cmp.Or(database, config.Audit.Database)
			if source == "" {
				return withHint(exitUsage, fmt.Errorf("no database of reports is configured"), "name one with --db, or write audit: {database: URL} to the configuration")
			}
			progress := newProgress(a)
			defer progress.stop()
			d := &client.Downloader{HTTP: config.HTTP(a.HTTP), Wait: a.Wait, Offline: config.Offline, Timeout: config.Timeout, Mirrors: config.Mirrors, Report: progress}
			db, err := d.Advisories(cmd.Context(), source, config.Cache, a.Now())
			if err != nil {
				return err
			}
			found, err := view.Audit(db, config.Audit.Ignore, a.Now())
			if err != nil {
				return err
			}
			return a.showVulnerable(found, format)
		},
	}
	cmd.Flags().StringVar(&database, "db", "", "take the reports from this `FILE`, folder or URL")
	cmd.Flags().StringVar(&format, "format", "", "write the findings in another `FORM`: sarif, for hosts that show them beside the files")
	return cmd
}

func (a *app) showVulnerable(r *client.AuditReport, format string) error {
	var err error
	switch {
	case format == "sarif":
		_, err = a.Stdout.Write(report.VulnerabilitySARIF(vulnerabilities(r), version()))
	case a.json:
		err = a.printJSON(r)
	default:
		a.renderVulnerable(r)
	}
	if err != nil {
		return err
	}
	for _, g := range r.Expired {
		a.warnf("%s:%d: %s is not ignored any more since %s", terminal.Escape(g.Origin.File), g.Origin.Line, terminal.Escape(g.ID), g.Expires.Format("2006-01-02"))
	}
	for _, g := range r.Unused {
		a.warnf("%s:%d: %s is ignored and not found; remove the entry", terminal.Escape(g.Origin.File), g.Origin.Line, terminal.Escape(g.ID))
	}
	for _, text := range r.Unreadable {
		a.warnf("a report cannot be understood: %s", terminal.Escape(text))
	}
	switch {
	case len(r.Findings) > 0:
		return withHint(exitFindings, fmt.Errorf("%s in the locked packages", vulnerabilityCount(len(r.Findings))),
			"'clyde update NAME' moves to a repaired version; 'clyde why NAME' says who needs it")
	case len(r.Unreadable) > 0:
		return withCode(exitFindings, fmt.Errorf("%s cannot be understood", count(len(r.Unreadable), "report")))
	}
	return nil
}

func vulnerabilityCount(n int) string {
	if n == 1 {
		return "1 known vulnerability"
	}
	return fmt.Sprintf("%d known vulnerabilities", n)
}

func (a *app) renderVulnerable(r *client.AuditReport) {
	for _, v := range r.Findings {
		head := v.Package + " " + v.Version + ": " + strings.Join(append([]string{v.ID}, v.Aliases...), ", ")
		if v.Severity != "" {
			head += " (" + v.Severity + ")"
		}
		a.printf("%s\n", oneLine(head))
		for _, text := range []string{v.Summary, fixedText(v.Fixed), v.URL} {
			if text != "" {
				a.printf("  %s\n", oneLine(text))
			}
		}
	}
	text := fmt.Sprintf("%s, %s, %s", packageCount(r.Packages), count(r.Records, "report"), vulnerabilityCount(len(r.Findings)))
	if len(r.Ignored) > 0 {
		text += fmt.Sprintf(", %d ignored", len(r.Ignored))
	}
	if r.AsOf != "" {
		text += "; as of " + r.AsOf
	}
	a.printf("%s\n", text)
}

func fixedText(fixed []string) string {
	if len(fixed) == 0 {
		return "no version with a repair is known"
	}
	return "repaired in " + strings.Join(fixed, ", ")
}

func vulnerabilities(r *client.AuditReport) []report.Vulnerability {
	var all []report.Vulnerability
	for _, list := range [][]client.Vulnerable{r.Findings, r.Ignored} {
		for _, v := range list {
			all = append(all, report.Vulnerability{
				ID: v.ID, Summary: v.Summary, Page: v.URL, Package: v.Package, Version: v.Version, Fixed: v.Fixed,
				File: lockfile.Path, Line: v.Line, Ignored: v.Reason,
			})
		}
	}
	return all
}
