CREATE TABLE customers (id BIGINT PRIMARY KEY, name VARCHAR(80) NOT NULL, city VARCHAR(60));
CREATE TABLE orders (id BIGINT AUTO_INCREMENT PRIMARY KEY, customer_id BIGINT NOT NULL, item VARCHAR(80) NOT NULL,
  quantity INT NOT NULL CHECK (quantity > 0), status VARCHAR(20) NOT NULL DEFAULT 'open',
  CONSTRAINT orders_customer FOREIGN KEY (customer_id) REFERENCES customers (id));
