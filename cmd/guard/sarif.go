package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/url"
	"path/filepath"
	"slices"
	"strings"

	"example.com/s3-endpoint-guard/internal/audit"
)

// The types of a SARIF log, as far as it is written here.
// https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html
type (
	sarifTool struct {
		Driver sarifDriver `json:"driver"`
	}
	sarifDriver struct {
		Name    string      `json:"name"`
		Version string      `json:"version"`
		Rules   []sarifRule `json:"rules"`
	}
	sarifRule struct {
		ID               string        `json:"id"`
		ShortDescription sarifMessage  `json:"shortDescription"`
		Help             sarifMessage  `json:"help"`
		Configuration    sarifSeverity `json:"defaultConfiguration"`
	}
	sarifSeverity struct {
		Level audit.Severity `json:"level"`
	}
	sarifMessage struct {
		Text string `json:"text"`
	}
	sarifInvocation struct {
		ExecutionSuccessful bool                `json:"executionSuccessful"`
		Notifications       []sarifNotification `json:"toolExecutionNotifications,omitempty"`
	}
	sarifNotification struct {
		Level   audit.Severity `json:"level"`
		Message sarifMessage   `json:"message"`
	}
	sarifResult struct {
		RuleID       string            `json:"ruleId"`
		RuleIndex    int               `json:"ruleIndex"`
		Level        audit.Severity    `json:"level"`
		Message      sarifMessage      `json:"message"`
		Locations    []sarifLocation   `json:"locations,omitempty"`
		Fingerprints map[string]string `json:"partialFingerprints"`
	}
	sarifLocation struct {
		Physical *sarifPhysical `json:"physicalLocation,omitempty"`
		Logical  []sarifLogical `json:"logicalLocations,omitempty"`
	}
	sarifPhysical struct {
		Artifact sarifArtifact `json:"artifactLocation"`
		Region   sarifRegion   `json:"region"`
	}
	sarifArtifact struct {
		URI string `json:"uri"`
	}
	sarifRegion struct {
		StartLine int `json:"startLine"`
	}
	sarifLogical struct {
		Name string `json:"fullyQualifiedName"`
	}
)

const sarifSchema = "https://json.schemastore.org/sarif-2.1.0.json"

// sarifWriter writes a SARIF log with one run, a result a line, as the results come: it keeps none of them.
type sarifWriter struct {
	w       io.Writer
	version string // of this command
	began   bool
	next    string // stands before the next result
}

// begin writes what stands before the results, once.
func (s *sarifWriter) begin() error {
	if s.began {
		return nil
	}
	s.began = true
	tool := sarifTool{sarifDriver{Name: "guard", Version: s.version}}
	for _, info := range audit.Rules {
		tool.Driver.Rules = append(tool.Driver.Rules, sarifRule{
			string(info.ID), sarifMessage{info.Title}, sarifMessage{info.Help}, sarifSeverity{info.Severity},
		})
	}
	return s.write(`{"$schema":"`+sarifSchema+`","version":"2.1.0","runs":[{"tool":`, tool, `,"results":[`)
}

// write writes a JSON value between two texts.
func (s *sarifWriter) write(before string, v any, after string) error {
	var line bytes.Buffer
	line.WriteString(before)
	if err := writeLine(&line, v); err != nil {
		return err
	}
	line.Truncate(line.Len() - 1)
	line.WriteString(after)
	_, err := s.w.Write(line.Bytes())
	return err
}

// add writes the findings of a result.
func (s *sarifWriter) add(r audit.Result) error {
	if err := s.begin(); err != nil {
		return err
	}
	for _, f := range r.Findings {
		if err := s.write(s.next+"\n", sarifFinding(r, f), ""); err != nil {
			return err
		}
		s.next = ","
	}
	return nil
}

// end completes the log. Errors are what could not be read.
func (s *sarifWriter) end(notes, errs []string) error {
	if err := s.begin(); err != nil {
		return err
	}
	invocation := sarifInvocation{ExecutionSuccessful: len(errs) == 0}
	for _, e := range errs {
		invocation.Notifications = append(invocation.Notifications, sarifNotification{audit.Error, sarifMessage{e}})
	}
	for _, n := range notes {
		invocation.Notifications = append(invocation.Notifications, sarifNotification{audit.Note, sarifMessage{n}})
	}
	return s.write("\n],\"invocations\":[", invocation, "]}]}\n")
}

func sarifFinding(r audit.Result, f audit.Finding) sarifResult {
	// The fingerprint stays the same when lines move.
	sum := sha256.Sum256([]byte(fmt.Sprintf("%q %q %q %q", r.Kind, r.Name, f.Rule, f.Statement)))
	result := sarifResult{
		RuleID:    string(f.Rule),
		RuleIndex: slices.IndexFunc(audit.Rules, func(info audit.RuleInfo) bool { return info.ID == f.Rule }),
		Level:     f.Rule.Info().Severity, Message: sarifMessage{fmt.Sprintf("%s %s: %s", r.Kind, r.Name, f.Message)},
		Fingerprints: map[string]string{"guard/v1": hex.EncodeToString(sum[:16])},
	}
	var at sarifLocation
	if f.Origin.File != "" && f.Origin.File != "-" {
		uri := url.URL{Path: filepath.ToSlash(f.Origin.File)}
		at.Physical = &sarifPhysical{sarifArtifact{uri.String()}, sarifRegion{max(1, f.Origin.Line)}}
	}
	if f.Origin.Address != "" {
		at.Logical = []sarifLogical{{f.Origin.Address}}
	}
	if at.Physical != nil || at.Logical != nil {
		result.Locations = []sarifLocation{at}
	}
	return result
}

// writeAnnotations writes workflow commands, which GitHub Actions shows at the files' lines.
// https://docs.github.com/actions/reference/workflow-commands-for-github-actions#setting-an-error-message
func writeAnnotations(w io.Writer, r *report) {
	annotate := func(command string, o audit.Origin, title, message string) {
		properties := []string{}
		if o.File != "" && o.File != "-" {
			properties = append(properties, "file="+escapeProperty(filepath.ToSlash(o.File)), fmt.Sprintf("line=%d", max(1, o.Line)))
		}
		properties = append(properties, "title="+escapeProperty(title))
		fmt.Fprintf(w, "::%s %s::%s\n", command, strings.Join(properties, ","), escapeData(message))
	}
	commands := map[audit.Severity]string{audit.Error: "error", audit.Warning: "warning", audit.Note: "notice"}
	for _, result := range r.Results {
		for _, f := range result.Findings {
			info := f.Rule.Info()
			message := f.Message + "\n" + info.Help
			if f.Origin.Address != "" {
				message = f.Origin.Address + ": " + message
			}
			annotate(commands[info.Severity], f.Origin, string(result.Kind)+" "+result.Name+": "+info.Title, message)
		}
	}
	for _, e := range r.Errors {
		annotate("error", audit.Origin{}, "guard check", e)
	}
	for _, n := range r.Notes {
		annotate("notice", audit.Origin{}, "guard check", n)
	}
	fmt.Fprintf(w, "guard check: %s\n", r.Verdict)
}

func escapeData(text string) string {
	return strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A").Replace(text)
}

func escapeProperty(text string) string {
	return strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C").Replace(text)
}
