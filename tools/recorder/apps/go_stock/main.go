// Command stock answers what a warehouse has left. It is recorded, healthy and broken, by tools/recorder.
package main

import (
	"context"
	"errors"
	"log"
	"log/slog"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"
)

func main() {
	slog.SetDefault(slog.New(slog.NewTextHandler(os.Stdout, nil)))
	log.SetFlags(log.LstdFlags)
	path := "stock.yaml"
	if len(os.Args) > 1 {
		path = os.Args[1]
	}
	settings, err := loadSettings(path)
	if err != nil {
		slog.Error("cannot start", "component", "config", "file", path, "err", err)
		os.Exit(1)
	}
	if err := run(settings); err != nil {
		slog.Error("stopped", "err", err)
		os.Exit(1)
	}
}

func run(settings *Settings) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	prices, err := newPrices(settings)
	if err != nil {
		return err
	}
	service := newService(settings, prices)
	server := &http.Server{
		Addr:              settings.Listen,
		Handler:           service.routes(),
		ReadHeaderTimeout: 5 * time.Second,
		ErrorLog:          log.New(os.Stderr, "", log.LstdFlags),
	}
	go service.restock(ctx)
	failed := make(chan error, 1)
	go func() { failed <- server.ListenAndServe() }()
	slog.Info("serving", "version", "2.3.0", "addr", settings.Listen, "warehouse", settings.Warehouse)
	select {
	case err := <-failed:
		if !errors.Is(err, http.ErrServerClosed) {
			return err
		}
	case <-ctx.Done():
		slog.Info("shutting down", "signal", "terminated")
		last, cancel := context.WithTimeout(context.Background(), 3*time.Second)
		defer cancel()
		return server.Shutdown(last)
	}
	return nil
}
