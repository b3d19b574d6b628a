package server

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/touchstone-go/touchstone/hash"
	"github.com/touchstone-go/touchstone/index"
)

// maxMatches is the largest limit that may be asked for.
const maxMatches = 1000

// batchBytes is how many of the largest pictures a multipart body may hold; more
// small ones fit. What is beyond the limit of a part is read and dropped, so
// that the next part can be found; this bounds it.
const batchBytes = 10

// judge answers POST /v1/judge: one picture as the body gives one verdict, a
// multipart body an array of verdicts in the order of its parts. Every part is
// taken for a picture; its name and type are ignored. The parts are read and
// judged one after the other.
func (s *Server) judge(w http.ResponseWriter, r *http.Request) error {
	o, err := s.judgeOptions(r)
	if err != nil {
		return err
	}
	in := s.arriving(w, r)
	parts, err := formOf(w, r, in, batchBytes*s.o.Limits.MaxBytes)
	if err != nil {
		return err
	}
	out := s.admit.reply()
	defer out.release()
	if parts != nil {
		err = s.judgeParts(r.Context(), in, parts, o, out)
	} else {
		up, rerr := s.receive(r, in, s.o.Limits.MaxBytes)
		err = s.judgeUpload(r.Context(), up, rerr, o, out)
	}
	if err != nil {
		return err
	}
	return s.send(w, out)
}

func (s *Server) judgeOptions(r *http.Request) (o index.JudgeOptions, err error) {
	q := r.URL.Query()
	o.Banks, o.Mode = q["bank"], s.o.Mode
	if q.Has("mode") {
		o.Mode = index.Mode(q.Get("mode"))
	}
	if o.Mode != index.Fast && o.Mode != index.Thorough {
		return o, refuse(errQuery, `parameter "mode" is fast or thorough`)
	}
	if o.Authorised, err = boolOf(q, "authorised"); err != nil {
		return o, err
	}
	o.Limit, err = countOf(q, "limit", 0, maxMatches)
	return o, err
}

// judgeParts judges a multipart body, into an array.
func (s *Server) judgeParts(ctx context.Context, in *arrival, parts *formParts, o index.JudgeOptions, out *reply) error {
	end := time.Now().Add(maxBatch)
	separator := "["
	for n := 0; ; n++ {
		in.last = earlier(time.Now().Add(s.o.BodyTimeout), end)
		p, err := parts.next()
		switch {
		case err == io.EOF && n == 0:
			return refuse(errBody, "the multipart body has no parts")
		case err == io.EOF:
			return out.add([]byte("]"))
		case err != nil:
			return err
		case n == s.o.MaxParts:
			return refuse(errBody, fmt.Sprintf("more than %d parts", s.o.MaxParts))
		}
		if err := out.add([]byte(separator)); err != nil {
			return err
		}
		separator = ","
		up, err := s.admit.receive(ctx, p, -1, s.o.Limits.MaxBytes)
		if err := s.judgeUpload(ctx, up, err, o, out); err != nil {
			return err
		}
	}
}

// judgeUpload judges what receive returned, and releases it. A body beyond the
// limit is a statement about the picture, so it is a verdict.
func (s *Server) judgeUpload(ctx context.Context, up *upload, err error, o index.JudgeOptions, out *reply) error {
	if errors.Is(err, errTooLarge) {
		v, err := s.tooLarge(ctx, o)
		if err != nil {
			return err
		}
		return s.addVerdict(out, v)
	}
	if err != nil {
		return err
	}
	defer up.release()
	return s.pictureWork(ctx, up.b, func(ctx context.Context) error {
		v, err := s.ix.Judge(ctx, up.reader(), o)
		if err != nil {
			return err
		}
		return s.addVerdict(out, v)
	})
}

// tooLarge is what Judge says about a file beyond the limit, without the file.
// The banks are looked up as Judge does.
func (s *Server) tooLarge(ctx context.Context, o index.JudgeOptions) (index.Verdict, error) {
	for _, b := range o.Banks {
		if _, err := s.ix.Bank(ctx, b); err != nil {
			return index.Verdict{}, err
		}
	}
	v := index.Verdict{
		Outcome: index.Unusable, Reason: hash.TooLarge, Advice: index.NoAdvice, Mode: o.Mode,
		Seq: s.ix.Seq(), Recipe: s.ix.Recipe(), Authorised: o.Authorised,
	}
	if v.Recipe == hash.OldestRecipe {
		v.Mode = index.Fast
	}
	return v, nil
}

// pictureWork is work on a picture, which waits its turn by what it will cost.
func (s *Server) pictureWork(ctx context.Context, picture []byte, f func(context.Context) error) error {
	return s.work(ctx, large(hash.Cost(picture, s.o.Limits)), f)
}

// work runs f in a slot, within the time that one picture may take. Decoding has
// a shorter limit of its own (hash.Limits.Timeout), so what takes longer has
// mostly waited: for a slot, for decode memory, or for the store.
func (s *Server) work(ctx context.Context, large bool, f func(context.Context) error) error {
	limited, cancel := context.WithTimeout(ctx, s.o.MaxWork)
	defer cancel()
	leave, err := s.admit.enter(limited, large)
	if err == nil {
		defer leave()
		err = f(limited)
	}
	if err != nil && ctx.Err() == nil && errors.Is(err, context.DeadlineExceeded) {
		return s.admit.busy("time")
	}
	return err
}

// addVerdict writes a verdict in the bytes of MarshalJSON.
func (s *Server) addVerdict(out *reply, v index.Verdict) error {
	b, err := v.MarshalJSON()
	if err != nil {
		return fmt.Errorf("verdict: %w", err)
	}
	if err := out.add(b); err != nil {
		return err
	}
	s.metrics.verdict(v)
	return nil
}

// fingerprint answers POST /v1/fingerprint: the exact fingerprint of the
// picture in the body, as references are made of.
func (s *Server) fingerprint(w http.ResponseWriter, r *http.Request) error {
	up, err := s.body(w, r, s.o.Limits.MaxBytes)
	if err != nil {
		return err
	}
	defer up.release()
	var f hash.Fingerprint
	var info hash.Info
	err = s.pictureWork(r.Context(), up.b, func(ctx context.Context) (err error) {
		f, info, err = hash.Read(ctx, up.reader(), s.o.Limits)
		return err
	})
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, fingerprintJSON{
		Fingerprint: f, Quality: f.Quality(), Format: info.Format,
		Width: info.Width, Height: info.Height, SHA256: hex.EncodeToString(info.SHA256[:]),
	})
}

// search answers POST /v1/search: the verdict on a picture of which only the
// fingerprint is known.
func (s *Server) search(w http.ResponseWriter, r *http.Request) error {
	var q searchJSON
	if err := s.jsonBody(w, r, &q); err != nil {
		return err
	}
	if q.Limit < 0 || q.Limit > maxMatches {
		return refuse(errBody, fmt.Sprintf("limit is a number from 0 to %d", maxMatches))
	}
	f, err := hash.Parse(q.Fingerprint)
	if err != nil {
		return err
	}
	out := s.admit.reply()
	defer out.release()
	err = s.work(r.Context(), false, func(ctx context.Context) error {
		v, err := s.ix.JudgeFingerprint(ctx, f, index.JudgeOptions{Banks: q.Banks, Authorised: q.Authorised, Limit: q.Limit})
		if err != nil {
			return err
		}
		return s.addVerdict(out, v)
	})
	if err != nil {
		return err
	}
	return s.send(w, out)
}

// arriving returns the body of r, which has Options.BodyTimeout to come.
func (s *Server) arriving(w http.ResponseWriter, r *http.Request) *arrival {
	return arriving(w, r, time.Now().Add(s.o.BodyTimeout))
}

// body reads a body that is no form.
func (s *Server) body(w http.ResponseWriter, r *http.Request, limit int64) (*upload, error) {
	if err := checkEncoding(r); err != nil {
		return nil, err
	}
	return s.receive(r, s.arriving(w, r), limit)
}

// receive reads the whole of a body.
func (s *Server) receive(r *http.Request, in *arrival, limit int64) (*upload, error) {
	up, err := s.admit.receive(r.Context(), in, r.ContentLength, limit)
	if errors.Is(err, errTooLarge) || errors.Is(err, errBusy) {
		in.drain(s.o.Limits.MaxBytes)
	}
	return up, err
}

// jsonBody reads a JSON body into v.
func (s *Server) jsonBody(w http.ResponseWriter, r *http.Request, v any) error {
	up, err := s.body(w, r, maxJSON)
	if err != nil {
		return err
	}
	defer up.release()
	return readJSON(up.b, v)
}
