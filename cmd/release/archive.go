package main

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"time"
)

// file is a file in an archive.
type file struct {
	// name is the path below the archive's folder.
	name       string
	content    []byte
	executable bool
}

// mode returns the file's permissions, whatever they are on this machine.
func (f file) mode() int64 {
	if f.executable {
		return 0o755
	}
	return 0o644
}

// stamp is the time of all files in archives: the earliest that a zip can have.
var stamp = time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC)

// tarball packs files into a folder of a .tar.gz, with the same owner and time for all.
func tarball(folder string, files []file) ([]byte, error) {
	var packed bytes.Buffer
	compressed, err := gzip.NewWriterLevel(&packed, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	archive := tar.NewWriter(compressed)
	for _, f := range files {
		err := archive.WriteHeader(&tar.Header{
			Typeflag: tar.TypeReg, Name: folder + "/" + f.name, Size: int64(len(f.content)), Mode: f.mode(), ModTime: stamp, Format: tar.FormatUSTAR,
		})
		if err != nil {
			return nil, err
		}
		if _, err := archive.Write(f.content); err != nil {
			return nil, err
		}
	}
	if err := archive.Close(); err != nil {
		return nil, err
	}
	err = compressed.Close()
	return packed.Bytes(), err
}

// zipped packs files into a folder of a .zip.
func zipped(folder string, files []file) ([]byte, error) {
	var packed bytes.Buffer
	archive := zip.NewWriter(&packed)
	for _, f := range files {
		header := &zip.FileHeader{Name: folder + "/" + f.name, Method: zip.Deflate, Modified: stamp}
		header.ExternalAttrs = uint32(f.mode()) << 16 // as on Unix, so that unzip there keeps the permissions
		header.CreatorVersion = 3 << 8
		w, err := archive.CreateHeader(header)
		if err != nil {
			return nil, err
		}
		if _, err := w.Write(f.content); err != nil {
			return nil, err
		}
	}
	err := archive.Close()
	return packed.Bytes(), err
}
