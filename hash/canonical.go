package hash

import "image"

type canonical struct{}

func canonicalise(img image.Image, orientation int) (*canonical, error) { panic("unwritten") }

func (c *canonical) fingerprint() (Fingerprint, error) { panic("unwritten") }

// Complete adds goimagehash's hashes.
func (i Info) Complete(f Fingerprint) Fingerprint { panic("unwritten") }

// Thumbnail returns a JPEG of the upright picture.
func (i Info) Thumbnail() ([]byte, error) { panic("unwritten") }
