package main

import (
	"bytes"
	"fmt"
	"os"
	"time"

	"gopkg.in/yaml.v3"
)

// Supplier is where a missing article is ordered.
type Supplier struct {
	Name     string `yaml:"name"`
	LeadDays int    `yaml:"leadDays"`
}

// Settings is the file the service is started with.
type Settings struct {
	Listen    string              `yaml:"listen"`
	Warehouse string              `yaml:"warehouse"`
	Images    string              `yaml:"images"`
	Restock   time.Duration       `yaml:"restock"`
	Prices    PriceSettings       `yaml:"prices"`
	Suppliers map[string]Supplier `yaml:"suppliers"`
	Articles  map[string]Article  `yaml:"articles"`
}

// PriceSettings says how the price service is reached.
type PriceSettings struct {
	URL       string        `yaml:"url"`
	Timeout   time.Duration `yaml:"timeout"`
	Authority string        `yaml:"authority"`
	TokenFile string        `yaml:"tokenFile"`
}

// Article is one thing on the shelves.
type Article struct {
	Count    int    `yaml:"count"`
	Supplier string `yaml:"supplier"`
}

func loadSettings(path string) (*Settings, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read settings: %w", err)
	}
	settings := &Settings{Listen: "127.0.0.1:8080", Restock: 5 * time.Second}
	decoder := yaml.NewDecoder(bytes.NewReader(content))
	decoder.KnownFields(true)
	if err := decoder.Decode(settings); err != nil {
		return nil, fmt.Errorf("parse settings: %w", err)
	}
	return settings, nil
}
