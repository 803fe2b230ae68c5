package homelab.orders;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpHandler;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The HTTP face of the service. */
final class OrderHandlers {

    private static final Logger LOG = LoggerFactory.getLogger(OrderHandlers.class);
    private static final Logger ACCESS = LoggerFactory.getLogger("homelab.orders.access");
    private final ObjectMapper json = new ObjectMapper();
    private final OrderStore store;
    private final PaymentClient payments;
    private final List<long[]> reports = new ArrayList<>();
    private final List<Thread> followers = new ArrayList<>();

    OrderHandlers(OrderStore store, PaymentClient payments) {
        this.store = store;
        this.payments = payments;
    }

    /** A handler that answers, writes an access line, and turns what is thrown into a status. */
    HttpHandler logged(Action action) {
        return exchange -> {
            long start = System.nanoTime();
            Reply reply;
            try {
                reply = action.apply(exchange);
            } catch (com.fasterxml.jackson.core.JacksonException error) {
                LOG.warn("Rejected request body of {}: {}", exchange.getRequestURI(), error.getMessage());
                reply = new Reply(400, "malformed body");
            } catch (IllegalArgumentException error) {
                LOG.warn("Rejected request {}: {}", exchange.getRequestURI(), error.getMessage());
                reply = new Reply(400, error.getMessage());
            } catch (PaymentClient.PaymentException error) {
                LOG.error("Payment failed", error);
                reply = new Reply(502, "payment failed");
            } catch (StoreException error) {
                LOG.error("Database request failed for {}", exchange.getRequestURI(), error);
                reply = new Reply(503, "try later");
            } catch (Exception error) {
                LOG.error("Unhandled exception while serving {} {}", exchange.getRequestMethod(),
                    exchange.getRequestURI(), error);
                reply = new Reply(500, "internal error");
            }
            send(exchange, reply);
            ACCESS.info("{} {} {} {} ms", exchange.getRequestMethod(), exchange.getRequestURI(), reply.status(),
                (System.nanoTime() - start) / 1_000_000);
        };
    }

    Reply place(HttpExchange exchange) throws Exception {
        JsonNode body = json.readTree(exchange.getRequestBody());
        if (!body.hasNonNull("item") || !body.hasNonNull("customer")) {
            throw new IllegalArgumentException("fields customer and item are required");
        }
        int quantity = body.path("quantity").asInt(1);
        if (quantity < 1) {
            throw new IllegalArgumentException("quantity must be positive, got " + quantity);
        }
        long id = store.place(body.get("customer").asLong(), body.get("item").asText(), quantity);
        payments.charge(id, quantity * 25);
        LOG.info("order {} placed: {} x {} for customer {}", id, quantity, body.get("item").asText(),
            body.get("customer").asLong());
        return new Reply(201, "{\"id\": " + id + "}");
    }

    Reply label(HttpExchange exchange) throws Exception {
        OrderStore.Customer customer = store.customer(Long.parseLong(tail(exchange)));
        return new Reply(200, customer.name() + ", " + customer.city().toUpperCase());
    }

    Reply export(HttpExchange exchange) throws Exception {
        int rows = store.export(Long.parseLong(tail(exchange)));
        LOG.info("exported {} orders", rows);
        return new Reply(200, "exported " + rows);
    }

    Reply report(HttpExchange exchange) {
        int months = Integer.parseInt(tail(exchange));
        synchronized (reports) {
            for (int month = 0; month < months; month++) {
                reports.add(new long[32 * 1024]);
            }
            LOG.info("report over {} months ready, {} pages cached", months, reports.size());
        }
        return new Reply(200, "report");
    }

    Reply follow(HttpExchange exchange) {
        int count = Integer.parseInt(tail(exchange));
        CountDownLatch never = new CountDownLatch(1);
        for (int index = 0; index < count; index++) {
            Thread thread = new Thread(() -> {
                try {
                    never.await();
                } catch (InterruptedException error) {
                    Thread.currentThread().interrupt();
                }
            }, "follower-" + (followers.size() + 1));
            thread.setDaemon(true);
            thread.start();
            followers.add(thread);
        }
        LOG.info("{} followers attached, {} in all", count, followers.size());
        return new Reply(202, "following");
    }

    Reply health(HttpExchange exchange) {
        return new Reply(200, "{\"status\": \"up\", \"errors\": 0}");
    }

    private static String tail(HttpExchange exchange) {
        String path = exchange.getRequestURI().getPath();
        return path.substring(path.lastIndexOf('/') + 1);
    }

    private static void send(HttpExchange exchange, Reply reply) throws IOException {
        byte[] body = reply.body().getBytes(StandardCharsets.UTF_8);
        exchange.sendResponseHeaders(reply.status(), body.length);
        exchange.getResponseBody().write(body);
        exchange.close();
    }

    record Reply(int status, String body) { }

    interface Action {
        Reply apply(HttpExchange exchange) throws Exception;
    }
}
