package policyfiles_test

import (
	"os"
	"path/filepath"
	"testing"

	"example.com/s3-endpoint-guard/local/policyfiles"
)

func TestTextIsUTF8WithoutAByteOrderMark(t *testing.T) {
	for data, want := range map[string]string{
		"":                    "",
		"{}":                  "{}",
		"\xef\xbb\xbf{}":      "{}",
		"{\xef\xbb\xbf}":      "{\xef\xbb\xbf}",
		"\xff\xfe":            "",
		"\xff\xfe{\x00}\x00":  "{}",
		"\xff\xfe\xe4\x00":    "ä",
		"\xff\xfe=\xd8B\xde":  "🙂",
		"\xff\xfe{\x00}":      "\xff\xfe{\x00}",
		"\xfe\xff\x00{\x00}":  "\xfe\xff\x00{\x00}",
		"\xff\xfe{\x00\r\x00": "{\r",
	} {
		if got := string(policyfiles.Text([]byte(data))); got != want {
			t.Errorf("Text(%q) = %q, want %q", data, got, want)
		}
	}
}

func TestFilesOfWindowsPowerShellAreRead(t *testing.T) {
	var utf16 []byte
	for _, b := range []byte(`{"Version":"2012-10-17","Statement":{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"arn:aws:s3:::docs/*"}}`) {
		utf16 = append(utf16, b, 0)
	}
	name := filepath.Join(t.TempDir(), "policy.json")
	if err := os.WriteFile(name, append([]byte("\xff\xfe"), utf16...), 0o600); err != nil {
		t.Fatal(err)
	}
	if found := policyfiles.Read([]string{name}, policyfiles.Options{}); len(found.Errors) != 0 || len(found.Buckets) != 1 {
		t.Errorf("Read = %d buckets, %v, want one", len(found.Buckets), found.Errors)
	}
}
