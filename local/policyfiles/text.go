package policyfiles

import (
	"bytes"
	"encoding/binary"
	"unicode/utf16"
)

// Text returns what a file or standard input has as UTF-8 without a byte order mark. In Windows PowerShell 5.1, "aws … > FILE" writes
// UTF-16 with such a mark, and "-Encoding utf8" writes UTF-8 with one.
// https://learn.microsoft.com/powershell/module/microsoft.powershell.core/about/about_character_encoding
func Text(data []byte) []byte {
	if text, marked := bytes.CutPrefix(data, []byte("\xef\xbb\xbf")); marked {
		return text
	}
	text, marked := bytes.CutPrefix(data, []byte("\xff\xfe"))
	if !marked || len(text)%2 != 0 {
		return data
	}
	units := make([]uint16, 0, len(text)/2)
	for ; len(text) > 0; text = text[2:] {
		units = append(units, binary.LittleEndian.Uint16(text))
	}
	return []byte(string(utf16.Decode(units)))
}
