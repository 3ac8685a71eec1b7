package main

import (
	"encoding/xml"
	"errors"
	"io"
	"os"
	"strings"
	"testing"

	"s3-endpoint-guard/local/localaws"
)

// The image in the README must be valid XML and show the dashboard of the current template.
func TestThePictureOfTheDashboardIsUpToDate(t *testing.T) {
	picture, err := os.ReadFile("../../docs/dashboard.svg")
	if err != nil {
		t.Fatal(err)
	}
	decoder := xml.NewDecoder(strings.NewReader(string(picture)))
	for err == nil {
		_, err = decoder.Token()
	}
	if !errors.Is(err, io.EOF) {
		t.Fatalf("docs/dashboard.svg is not XML: %v", err)
	}
	where := stackFlags{template: "../../template.yaml"}
	d, err := where.deploy(t.Context(), localaws.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = d.close() }()
	board, err := d.board()
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range board.Widgets {
		if w.Title != "" && !strings.Contains(string(picture), ">"+w.Title+"<") {
			t.Errorf("docs/dashboard.svg lacks %q: run make dashboard-preview", w.Title)
		}
		for _, arn := range w.Alarms {
			if name, _ := d.Alarm(arn); !strings.Contains(string(picture), ">"+name+"<") {
				t.Errorf("docs/dashboard.svg lacks the alarm %s: run make dashboard-preview", name)
			}
		}
	}
}

func TestThereIsNoPictureWithoutADashboard(t *testing.T) {
	if _, err := preview(t.Context(), stackFlags{template: "../../template.yaml", parameters: []string{"CreateDashboard=false"}}); err == nil {
		t.Error("preview without a dashboard = nil, want an error")
	}
}
