package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"
)

type service struct {
	settings *Settings
	prices   *prices
	lock     sync.Mutex
	counts   map[string]int
	open     []*os.File
}

func newService(settings *Settings, prices *prices) *service {
	counts := make(map[string]int, len(settings.Articles))
	for name, article := range settings.Articles {
		counts[name] = article.Count
	}
	return &service{settings: settings, prices: prices, counts: counts}
}

func (s *service) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /articles/{name}", s.article)
	mux.HandleFunc("POST /articles/{name}/take", s.take)
	mux.HandleFunc("GET /articles/{name}/image", s.image)
	mux.HandleFunc("GET /articles/{name}/supplier", s.supplier)
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	return logged(mux)
}

func (s *service) article(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("name")
	cents, err := s.prices.of(r.Context(), name)
	if err != nil {
		slog.Error("price lookup failed", "component", "prices", "article", name, "err", err)
		http.Error(w, "no price", statusOf(err))
		return
	}
	s.lock.Lock()
	count, known := s.counts[name]
	s.lock.Unlock()
	if !known {
		http.NotFound(w, r)
		return
	}
	_ = json.NewEncoder(w).Encode(map[string]any{"name": name, "count": count, "cents": cents})
}

func (s *service) take(w http.ResponseWriter, r *http.Request) {
	s.lock.Lock()
	defer s.lock.Unlock()
	name := r.PathValue("name")
	if s.counts[name] == 0 {
		slog.Warn("out of stock", "article", name, "warehouse", s.settings.Warehouse)
		http.Error(w, "out of stock", http.StatusConflict)
		return
	}
	s.counts[name]--
	w.WriteHeader(http.StatusNoContent)
}

// image keeps each file it served open, which is the fault that the recording shows.
func (s *service) image(w http.ResponseWriter, r *http.Request) {
	file, err := os.Open(filepath.Join(s.settings.Images, r.PathValue("name")+".png"))
	if err != nil {
		slog.Error("image not served", "article", r.PathValue("name"), "err", err)
		http.Error(w, "no image", http.StatusInternalServerError)
		return
	}
	s.lock.Lock()
	s.open = append(s.open, file)
	s.lock.Unlock()
	http.ServeContent(w, r, file.Name(), time.Time{}, file)
}

func (s *service) supplier(w http.ResponseWriter, r *http.Request) {
	supplier := s.supplierOf(r.PathValue("name"))
	fmt.Fprintf(w, "%s, %d days\n", supplier.Name, supplier.LeadDays)
}

func (s *service) supplierOf(name string) *Supplier {
	supplier, known := s.settings.Suppliers[s.settings.Articles[name].Supplier]
	if !known {
		return nil
	}
	return &supplier
}

// restock fills the shelves that ran low until the context ends.
func (s *service) restock(ctx context.Context) {
	ticker := time.NewTicker(s.settings.Restock)
	defer ticker.Stop()
	for round := 1; ; round++ {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		ordered := 0
		for name := range s.settings.Articles {
			if s.low(name) {
				supplier := s.supplierOf(name)
				slog.Info("ordering", "component", "restock", "article", name, "supplier", supplier.Name, "days", supplier.LeadDays)
				s.fill(name)
				ordered++
			}
		}
		slog.Info("restock round done", "component", "restock", "round", round, "ordered", ordered, "errors", 0)
	}
}

func (s *service) low(name string) bool {
	s.lock.Lock()
	defer s.lock.Unlock()
	return s.counts[name] < 3
}

func (s *service) fill(name string) {
	s.lock.Lock()
	defer s.lock.Unlock()
	s.counts[name] += 20
}

type recorder struct {
	http.ResponseWriter
	status int
}

func (r *recorder) WriteHeader(status int) {
	r.status = status
	r.ResponseWriter.WriteHeader(status)
}

func logged(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start := time.Now()
		seen := &recorder{w, http.StatusOK}
		next.ServeHTTP(seen, r)
		level := slog.LevelInfo
		if seen.status >= 500 {
			level = slog.LevelError
		}
		slog.Log(r.Context(), level, "request", "method", r.Method, "path", r.URL.Path, "status", seen.status,
			"duration", time.Since(start).Round(time.Microsecond), "remote", r.RemoteAddr)
	})
}
