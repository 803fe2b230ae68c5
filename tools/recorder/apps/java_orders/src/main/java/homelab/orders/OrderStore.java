package homelab.orders;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import javax.sql.DataSource;

/** Orders and stock in the database. */
final class OrderStore {

    record Customer(long id, String name, String city) { }

    private final DataSource source;

    OrderStore(DataSource source) {
        this.source = source;
    }

    long place(long customer, String item, int quantity) throws StoreException {
        try (Connection connection = source.getConnection()) {
            connection.setAutoCommit(false);
            try {
                take(connection, item, quantity);
                long id = insert(connection, customer, item, quantity);
                connection.commit();
                return id;
            } catch (SQLException error) {
                connection.rollback();
                throw error;
            }
        } catch (SQLException error) {
            throw new StoreException("Could not place an order of " + quantity + " x " + item, error);
        }
    }

    Customer customer(long id) throws StoreException {
        try (Connection connection = source.getConnection();
             PreparedStatement query = connection.prepareStatement("SELECT name, city FROM customers WHERE id = ?")) {
            query.setLong(1, id);
            try (ResultSet rows = query.executeQuery()) {
                return rows.next() ? new Customer(id, rows.getString(1), rows.getString(2)) : null;
            }
        } catch (SQLException error) {
            throw new StoreException("Could not read customer " + id, error);
        }
    }

    int export(long milliseconds) throws StoreException {
        try (Connection connection = source.getConnection(); Statement statement = connection.createStatement();
             ResultSet rows = statement.executeQuery("SELECT count(*) FROM orders")) {
            rows.next();
            int count = rows.getInt(1);
            Thread.sleep(milliseconds);
            return count;
        } catch (SQLException error) {
            throw new StoreException("Could not export the orders", error);
        } catch (InterruptedException error) {
            Thread.currentThread().interrupt();
            return 0;
        }
    }

    private static void take(Connection connection, String item, int quantity) throws SQLException {
        try (PreparedStatement update = connection.prepareStatement(
                "UPDATE stock SET available = available - ? WHERE item = ? AND available >= ?")) {
            update.setInt(1, quantity);
            update.setString(2, item);
            update.setInt(3, quantity);
            update.executeUpdate();
        }
    }

    private static long insert(Connection connection, long customer, String item, int quantity) throws SQLException {
        try (PreparedStatement insert = connection.prepareStatement(
                "INSERT INTO orders (customer_id, item, quantity) VALUES (?, ?, ?)", Statement.RETURN_GENERATED_KEYS)) {
            insert.setLong(1, customer);
            insert.setString(2, item);
            insert.setInt(3, quantity);
            insert.executeUpdate();
            try (ResultSet keys = insert.getGeneratedKeys()) {
                keys.next();
                return keys.getLong(1);
            }
        }
    }
}
