module latchkey.example/service

go 1.22
