package server

import (
	"errors"
	"net/http"

	"github.com/touchstone-go/touchstone/hash"
	"github.com/touchstone-go/touchstone/index"
)

// listBanks answers GET /v1/banks.
func (s *Server) listBanks(w http.ResponseWriter, r *http.Request) error {
	banks, err := s.ix.Banks(r.Context())
	if err != nil {
		return err
	}
	all := banksJSON{Banks: make([]bankJSON, len(banks))}
	for i, b := range banks {
		all.Banks[i] = bankWire(b)
	}
	b, err := encode(all)
	if err != nil {
		return err
	}
	out := s.admit.reply()
	defer out.release()
	if err := out.add(b); err != nil {
		return err
	}
	return s.send(w, out)
}

// getBank answers GET /v1/banks/{bank}.
func (s *Server) getBank(w http.ResponseWriter, r *http.Request) error {
	b, err := s.ix.Bank(r.Context(), r.PathValue("bank"))
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, bankWire(b))
}

// putBank answers PUT /v1/banks/{bank}: 201 if it made the bank, 200 if the
// bank exists and now has the given policy. Kind, owner and main hash of a bank
// never change.
func (s *Server) putBank(w http.ResponseWriter, r *http.Request) error {
	var in bankPutJSON
	if err := s.jsonBody(w, r, &in); err != nil {
		return err
	}
	name := r.PathValue("bank")
	status := http.StatusOK
	err := s.changeBank(r, name, in)
	if errors.Is(err, index.ErrNotFound) {
		status = http.StatusCreated
		err = s.createBank(r, name, in)
	}
	if errors.Is(err, index.ErrExists) { // another request was first
		status = http.StatusOK
		err = s.changeBank(r, name, in)
	}
	if err != nil {
		return err
	}
	b, err := s.ix.Bank(r.Context(), name)
	if err != nil {
		return err
	}
	return writeJSON(w, status, bankWire(b))
}

func (s *Server) createBank(r *http.Request, name string, in bankPutJSON) error {
	b := index.Bank{Name: name, Kind: in.Kind, Main: hash.PDQ}
	if in.Kind != index.Fake && in.Kind != index.Genuine {
		return refuse(errBody, "kind is fake or genuine")
	}
	if in.Owner != nil {
		b.Owner = *in.Owner
	}
	if in.Main != "" {
		k, err := hash.ParseKind(in.Main)
		if err != nil {
			return refuse(errBody, "main is pdq, phash, dhash or ahash")
		}
		b.Main = k
	}
	b.Policy = in.Policy.onto(index.DefaultPolicy(b.Kind, b.Main))
	_, err := s.ix.CreateBank(r.Context(), b)
	return err
}

func (s *Server) changeBank(r *http.Request, name string, in bankPutJSON) error {
	old, err := s.ix.Bank(r.Context(), name)
	if err != nil {
		return err
	}
	if in.Kind != "" && in.Kind != old.Kind ||
		in.Owner != nil && *in.Owner != old.Owner ||
		in.Main != "" && in.Main != mainOf(old).String() {
		return errBankDiffers
	}
	p := in.Policy.onto(old.Policy)
	if p == old.Policy {
		return nil
	}
	return s.ix.SetPolicy(r.Context(), old.Name, p)
}
