package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"example.com/s3-endpoint-guard/internal/audit"
)

// report is the result of a check.
type report struct {
	// Version is that of this command.
	Version string `json:"version"`
	// Verdict is the worst one.
	Verdict audit.Verdict  `json:"verdict"`
	Results []audit.Result `json:"results"`
	// Notes says what was assumed, or is not judged.
	Notes []string `json:"notes"`
	// Errors are the files that could not be read.
	Errors []string `json:"errors"`
}

func (r *report) worst() audit.Verdict {
	worst := audit.Locked
	for _, result := range r.Results {
		worst = audit.Worse(worst, result.Verdict)
	}
	if len(r.Errors) > 0 {
		worst = audit.Worse(worst, audit.Undecided)
	}
	return worst
}

// exitCode is 1 if a policy is certainly open or has drifted, 2 if something could not be judged, and else 0.
func (r *report) exitCode() int {
	undecided := len(r.Errors) > 0
	for _, result := range r.Results {
		switch result.Verdict {
		case audit.Open, audit.Drifted:
			return exitOpen
		case audit.Undecided:
			undecided = true
		}
	}
	if undecided {
		return exitUnjudged
	}
	return 0
}

// print prints the report in the format that the flags choose. Text has the files that could not be read on standard error.
func (k *checker) print(c *cobra.Command, r *report) error {
	out := c.OutOrStdout()
	switch {
	case k.json:
		return writeJSON(out, r)
	case k.sarif:
		log := &sarifWriter{w: out, version: r.Version}
		for _, result := range r.Results {
			if err := log.add(result); err != nil {
				return err
			}
		}
		return log.end(r.Notes, r.Errors)
	case k.github:
		writeAnnotations(out, r)
		return nil
	}
	writeReport(out, r)
	for _, e := range r.Errors {
		fmt.Fprintln(c.ErrOrStderr(), "guard:", e)
	}
	return nil
}

// writeLine writes one JSON object in one line.
func writeLine(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	return e.Encode(v)
}

// writeJSON writes a JSON document in many lines.
func writeJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(v)
}

// writeReport writes the report for people.
func writeReport(w io.Writer, r *report) {
	colour := paletteFor(w)
	count := map[audit.Verdict]int{}
	for _, result := range r.Results {
		count[result.Verdict]++
		writeResult(w, colour, result)
	}
	for _, n := range r.Notes {
		fmt.Fprintln(w, "note:", n)
	}
	if len(count) > 0 {
		fmt.Fprintln(w, verdictCounts(count))
	}
}

// verdictCounts says how often there was each verdict, the worst first.
func verdictCounts(count map[audit.Verdict]int) string {
	var counts []string
	for _, v := range []audit.Verdict{audit.Open, audit.Drifted, audit.Undecided, audit.Locked} {
		if count[v] > 0 {
			counts = append(counts, fmt.Sprintf("%d %s", count[v], v))
		}
	}
	return strings.Join(counts, ", ")
}

func writeResult(w io.Writer, colour palette, r audit.Result) {
	verdict := colour.red(string(r.Verdict))
	if r.Verdict == audit.Locked {
		verdict = colour.green(string(r.Verdict))
	}
	fmt.Fprintf(w, "%s %s: %s%s\n", r.Kind, colour.bold(r.Name), verdict, in(r.Origin))
	for _, f := range r.Findings {
		info := f.Rule.Info()
		place := ""
		if f.Origin != r.Origin {
			place = in(f.Origin)
		}
		fmt.Fprintf(w, "  %-7s  %s%s\n           %s\n", info.Severity, info.Title, place, f.Message)
	}
	if len(r.Guesses) > 0 {
		fmt.Fprintf(w, "  guessed  %s\n", strings.Join(guessLines(r.Guesses), "\n           "))
	}
	if r.Write == nil {
		return
	}
	fmt.Fprintf(w, "  the guard would write\n")
	for _, c := range r.Write.Diff {
		if c.Removed {
			fmt.Fprintln(w, "    "+colour.green("+ "+audit.Readable(c.Statement)))
		} else {
			fmt.Fprintln(w, "    "+colour.red("- "+audit.Readable(c.Statement)))
		}
	}
	if r.Write.Incomplete != "" {
		fmt.Fprintf(w, "    without %s\n", r.Write.Incomplete)
	}
}

// in names a place: " (file:line address)".
func in(o audit.Origin) string {
	place := o.File
	if o.Line > 1 {
		place += fmt.Sprintf(":%d", o.Line)
	}
	if o.Address != "" {
		place = strings.TrimSpace(place + " " + o.Address)
	}
	if place == "" {
		return ""
	}
	return " (" + place + ")"
}
