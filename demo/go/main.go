// Command bootstrap is a Lambda function for provided.al2023: it shrinks a JPEG and tells its digest.
package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"

	"github.com/aws/aws-lambda-go/lambda"
)

type request struct {
	JPEG  []byte `json:"jpeg"` // base64 in JSON
	Width int    `json:"width"`
}

type response struct {
	From, To string // "WIDTHxHEIGHT"
	SHA256   string // of the picture that came
	JPEG     []byte // the thumbnail
}

func main() { lambda.Start(handle) }

func handle(_ context.Context, req request) (*response, error) {
	picture, err := jpeg.Decode(bytes.NewReader(req.JPEG))
	if err != nil {
		return nil, fmt.Errorf("decode the picture: %w", err)
	}
	size := picture.Bounds().Size()
	if req.Width < 1 || req.Width > size.X {
		return nil, fmt.Errorf("width must be 1 to %d", size.X)
	}
	small := shrink(picture, req.Width, max(1, size.Y*req.Width/size.X))
	var out bytes.Buffer
	if err := jpeg.Encode(&out, small, nil); err != nil {
		return nil, fmt.Errorf("encode the thumbnail: %w", err)
	}
	sum := sha256.Sum256(req.JPEG)
	return &response{
		From: fmt.Sprintf("%dx%d", size.X, size.Y), To: fmt.Sprintf("%dx%d", small.Rect.Dx(), small.Rect.Dy()),
		SHA256: hex.EncodeToString(sum[:]), JPEG: out.Bytes(),
	}, nil
}

// shrink gives each pixel of the small picture the mean of the pixels it stands for.
func shrink(src image.Image, w, h int) *image.RGBA {
	dst := image.NewRGBA(image.Rect(0, 0, w, h))
	b := src.Bounds()
	for y := range h {
		y0, y1 := b.Min.Y+y*b.Dy()/h, b.Min.Y+(y+1)*b.Dy()/h
		for x := range w {
			x0, x1 := b.Min.X+x*b.Dx()/w, b.Min.X+(x+1)*b.Dx()/w
			var r, g, bl, n uint64
			for sy := y0; sy < y1; sy++ {
				for sx := x0; sx < x1; sx++ {
					cr, cg, cb, _ := src.At(sx, sy).RGBA()
					r, g, bl, n = r+uint64(cr), g+uint64(cg), bl+uint64(cb), n+1
				}
			}
			dst.SetRGBA(x, y, color.RGBA{uint8(r / n >> 8), uint8(g / n >> 8), uint8(bl / n >> 8), 255})
		}
	}
	return dst
}
