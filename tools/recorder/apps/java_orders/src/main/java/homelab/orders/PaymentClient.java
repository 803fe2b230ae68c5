package homelab.orders;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Asks the payment service to charge a customer; one retry. */
final class PaymentClient {

    static final class PaymentException extends Exception {
        private static final long serialVersionUID = 1L;

        PaymentException(String message, Throwable cause) {
            super(message, cause);
        }
    }

    private static final Logger LOG = LoggerFactory.getLogger(PaymentClient.class);
    private final HttpClient http = HttpClient.newBuilder().connectTimeout(Duration.ofSeconds(2)).build();
    private final URI base;
    private final Duration wait;

    PaymentClient(URI base, Duration wait) {
        this.base = base;
        this.wait = wait;
    }

    void charge(long order, int amount) throws PaymentException {
        URI target = base.resolve("/charges/" + order + "?amount=" + amount);
        HttpRequest request = HttpRequest.newBuilder(target).timeout(wait).build();
        for (int attempt = 1; ; attempt++) {
            try {
                HttpResponse<String> answer = http.send(request, HttpResponse.BodyHandlers.ofString());
                if (answer.statusCode() / 100 == 2) {
                    LOG.debug("charge for order {} accepted", order);
                    return;
                }
                throw new IOException("HTTP " + answer.statusCode() + " from " + target + ": " + answer.body().strip());
            } catch (IOException error) {
                if (attempt == 2) {
                    throw new PaymentException("Payment for order " + order + " failed after 2 attempts", error);
                }
                LOG.warn("Payment attempt {} for order {} failed, retrying: {}", attempt, order, error.toString());
            } catch (InterruptedException error) {
                Thread.currentThread().interrupt();
                throw new PaymentException("Interrupted while paying order " + order, error);
            }
        }
    }
}
