package main

import (
	"bufio"
	_ "embed"
	"errors"
	"html/template"
	"os"
	"slices"
	"strings"
	"time"

	"example.com/s3-endpoint-guard/internal/audit"
	"example.com/s3-endpoint-guard/internal/iampolicy"
	"example.com/s3-endpoint-guard/internal/lock"
)

//go:embed audit.html
var auditHTML string

var auditTemplate = template.Must(template.New("").Parse(auditHTML))

// auditPage writes results to an HTML file, as they come.
type auditPage struct {
	file *os.File
	w    *bufio.Writer
}

func newAuditPage(name string) (*auditPage, error) {
	file, err := os.Create(name)
	if err != nil {
		return nil, err
	}
	p := &auditPage{file, bufio.NewWriter(file)}
	return p, p.write("head", struct{ Time, Version string }{time.Now().UTC().Format("2 January 2006, 15:04 UTC"), versionText()})
}

func (p *auditPage) write(part string, data any) error {
	return auditTemplate.ExecuteTemplate(p.w, part, data)
}

// end writes the summary and closes the file.
func (p *auditPage) end(counts string, interrupted bool, lines []string) error {
	return errors.Join(p.write("foot", struct {
		Counts      string
		Interrupted bool
		Lines       []string
	}{counts, interrupted, lines}), p.w.Flush(), p.file.Close())
}

// auditSection is what the page shows of a result: a matrix of callers and network paths, and the findings without requests.
type auditSection struct {
	auditResult
	Paths           []string
	Rows            []auditRow
	Others          []auditNote
	Guessed, Writes []string
}

type auditRow struct {
	Caller string
	Cells  [][]auditCell // for each path what is open
}

type auditCell struct{ Title, Actions, On, Statement, Fix string }

type auditNote struct{ Title, Message, Fix string }

// add writes a result.
func (p *auditPage) add(r auditResult) error {
	s := auditSection{auditResult: r, Guessed: guessLines(r.Guesses)}
	var callers []string
	if len(r.Findings) > 0 && r.Kind == audit.KindBucket {
		for _, at := range (lock.Lock{Account: "111122223333"}).Setting(r.Name).Standpoints() {
			s.Paths, callers = withOne(s.Paths, at.Path), withOne(callers, at.Caller)
		}
	}
	cells := map[[2]string][]auditCell{}
	for _, f := range r.Findings {
		info := f.Rule.Info()
		if len(f.Access) == 0 {
			s.Others = append(s.Others, auditNote{info.Title, f.Message, info.Help})
		}
		for _, a := range f.Access {
			cell := auditCell{info.Title, strings.Join(a.Actions, ", "), strings.Join(a.On, ", "), f.Statement, info.Help}
			for _, caller := range a.Callers {
				for _, path := range a.Paths {
					s.Paths, callers = withOne(s.Paths, path), withOne(callers, caller)
					cells[[2]string{caller, path}] = append(cells[[2]string{caller, path}], cell)
				}
			}
		}
	}
	if len(cells) > 0 {
		for _, caller := range callers {
			row := auditRow{Caller: caller}
			for _, path := range s.Paths {
				row.Cells = append(row.Cells, cells[[2]string{caller, path}])
			}
			s.Rows = append(s.Rows, row)
		}
	}
	if r.Write != nil {
		s.Writes = diffLines(r.Write.Diff)
	}
	return p.write("result", s)
}

// diffLines shows a difference as it would be written: + is added, - removed.
func diffLines(changes []iampolicy.Change) []string {
	var lines []string
	for _, c := range changes {
		sign := "- "
		if c.Removed { // it is only in the document that would be written
			sign = "+ "
		}
		lines = append(lines, sign+audit.Readable(c.Statement))
	}
	return lines
}

// withOne returns the list with a value, once.
func withOne(list []string, value string) []string {
	if slices.Contains(list, value) {
		return list
	}
	return append(list, value)
}
