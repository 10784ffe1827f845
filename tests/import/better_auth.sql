SELECT u.*, a.password FROM user u LEFT JOIN account a ON a.userId = u.id AND a.providerId = 'credential' ORDER BY u.email
