package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"github.com/aws/aws-sdk-go-v2/config"
)

// pathStyle reports whether the bucket's name goes into the path of a request instead of the host name. It decides as
// the AWS CLI does (docs/facts.md, S3): with a custom endpoint it uses path style, unless the profile says virtual.
func pathStyle(style string, ownAddress bool) bool {
	if ownAddress {
		return style != "virtual"
	}
	return style == "path"
}

// addressingStyle returns the s3 addressing_style of a profile in the AWS configuration file: auto, virtual, path, or
// "" if it is not set. The SDK does not read this setting. For an empty name it uses the profile that the environment
// names.
// https://docs.aws.amazon.com/cli/latest/topic/s3-config.html
func addressingStyle(profile string) (string, error) {
	environment, err := config.NewEnvConfig()
	if err != nil {
		return "", err
	}
	if profile == "" {
		profile = environment.SharedConfigProfile
	}
	if profile == "" {
		profile = config.DefaultSharedConfigProfile
	}
	name := environment.SharedConfigFile
	if name == "" {
		name = config.DefaultSharedConfigFilename()
	}
	file, err := os.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	defer file.Close()
	style, err := styleIn(file, profile)
	switch {
	case err != nil:
		return "", fmt.Errorf("%s: %w", name, err)
	case style != "" && style != "auto" && style != "virtual" && style != "path":
		return "", fmt.Errorf("%s: profile %s: s3 addressing_style %q: want auto, virtual or path", name, profile, style)
	}
	return style, nil
}

// styleIn finds addressing_style among the indented lines below "s3 =" in the section of a profile.
func styleIn(file io.Reader, profile string) (style string, err error) {
	section, key := "", ""
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		line := lines.Text()
		text := strings.TrimSpace(line)
		name, value, _ := strings.Cut(text, "=")
		name, value = strings.TrimSpace(name), strings.TrimSpace(value)
		switch indented := text != "" && text[0] != line[0]; {
		case text == "", text[0] == '#', text[0] == ';':
		case text[0] == '[' && !indented:
			section, key = profileOf(text), ""
		case !indented:
			key = name
		case section == profile && key == "s3" && name == "addressing_style":
			style = value
		}
	}
	return style, lines.Err()
}

// profileOf returns the profile of a section's heading: [default] or [profile NAME].
func profileOf(head string) string {
	head, _, _ = strings.Cut(strings.TrimPrefix(head, "["), "]")
	head = strings.TrimSpace(head)
	if name, ok := strings.CutPrefix(head, "profile "); ok {
		return strings.TrimSpace(name)
	}
	if head == config.DefaultSharedConfigProfile {
		return head
	}
	return ""
}
