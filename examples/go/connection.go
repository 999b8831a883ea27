package example

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/metadata"
)

// Dial connects by environment: WARDWATCH_SERVER, _CA, _CERTIFICATE, _KEY (files). With a grpc-go of 2024 or later:
// grpc.NewClient instead of grpc.Dial, and insecure.NewCredentials() instead of grpc.WithInsecure().
func Dial() (*grpc.ClientConn, error) {
	server, ca := os.Getenv("WARDWATCH_SERVER"), os.Getenv("WARDWATCH_CA")
	if ca == "" {
		return grpc.Dial(server, grpc.WithInsecure())
	}
	pem, err := os.ReadFile(ca)
	if err != nil {
		return nil, err
	}
	config := &tls.Config{RootCAs: x509.NewCertPool()}
	if !config.RootCAs.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("%s holds no certificate", ca)
	}
	if file := os.Getenv("WARDWATCH_CERTIFICATE"); file != "" {
		pair, err := tls.LoadX509KeyPair(file, os.Getenv("WARDWATCH_KEY"))
		if err != nil {
			return nil, err
		}
		config.Certificates = []tls.Certificate{pair}
	}
	return grpc.Dial(server, grpc.WithTransportCredentials(credentials.NewTLS(config)))
}

// WithToken adds WARDWATCH_TOKEN to a call, if there is one.
func WithToken(ctx context.Context) context.Context {
	if token := os.Getenv("WARDWATCH_TOKEN"); token != "" {
		return metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer "+token)
	}
	return ctx
}
