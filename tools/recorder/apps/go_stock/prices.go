package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"
)

type prices struct {
	client   *http.Client
	settings PriceSettings
}

type statusError struct {
	code int
	body string
}

func (e *statusError) Error() string {
	return fmt.Sprintf("unexpected status %d %s: %s", e.code, http.StatusText(e.code), e.body)
}

func newPrices(settings *Settings) (*prices, error) {
	pool := x509.NewCertPool()
	if settings.Prices.Authority != "" {
		pem, err := os.ReadFile(settings.Prices.Authority)
		if err != nil {
			return nil, fmt.Errorf("read certificate authority: %w", err)
		}
		pool.AppendCertsFromPEM(pem)
	}
	transport := &http.Transport{
		TLSClientConfig:     &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12},
		MaxIdleConnsPerHost: 4,
		IdleConnTimeout:     10 * time.Second,
	}
	return &prices{client: &http.Client{Transport: transport}, settings: settings.Prices}, nil
}

// of asks for the price of an article in cents.
func (p *prices) of(ctx context.Context, article string) (int, error) {
	ctx, cancel := context.WithTimeout(ctx, p.settings.Timeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, p.settings.URL+"/prices/"+article, nil)
	if err != nil {
		return 0, err
	}
	if p.settings.TokenFile != "" {
		token, err := os.ReadFile(p.settings.TokenFile)
		if err != nil {
			return 0, fmt.Errorf("read token: %w", err)
		}
		request.Header.Set("Authorization", "Bearer "+strings.TrimSpace(string(token)))
	}
	response, err := p.client.Do(request)
	if err != nil {
		return 0, fmt.Errorf("fetch price of %q: %w", article, err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, 4096))
	if err != nil {
		return 0, fmt.Errorf("fetch price of %q: %w", article, err)
	}
	if response.StatusCode != http.StatusOK {
		return 0, &statusError{response.StatusCode, strings.TrimSpace(string(body))}
	}
	var answer struct {
		Cents int `json:"cents"`
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		return 0, fmt.Errorf("decode price of %q: %w", article, err)
	}
	return answer.Cents, nil
}

func statusOf(err error) int {
	var status *statusError
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return http.StatusGatewayTimeout
	case errors.As(err, &status) && status.code == http.StatusUnauthorized:
		return http.StatusInternalServerError
	default:
		return http.StatusBadGateway
	}
}
